"""What `mesh` can do, one file a group of commands."""
