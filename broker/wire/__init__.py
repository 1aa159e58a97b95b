"""What nodes say to each other: Moleculer's packets, subjects and error classes."""
