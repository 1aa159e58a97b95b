"""Names that follow health and distance: what every region's name server answers, and how it comes to know."""
