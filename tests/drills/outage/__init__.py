"""Outages, as users live through them: by name, through a caching resolver, while regions and parts of them go dark."""
