"""NATS, as the mesh uses it: a client of its own for the data path, nats-py for tools, keys and credentials."""
