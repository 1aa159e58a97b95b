"""The second door: every published action as an endpoint that any NATS client can call."""
