"""What travels in the mesh: contracts, documents, errors and tables. Imports nothing of ours."""
