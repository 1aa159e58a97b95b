"""Who may say what: users of a secured mesh, their permissions, and how they get their keys."""
