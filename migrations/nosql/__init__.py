"""From documents to tables: look at a document store, plan its tables, load them, verify them, follow its changes."""
