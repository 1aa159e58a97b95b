"""The edge of a region: HTTP in, calls into the mesh out, with a cache of rendered answers in between."""
