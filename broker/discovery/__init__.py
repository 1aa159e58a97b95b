"""Who is in the mesh and what they serve: told, asked for, remembered, lost and found again."""
