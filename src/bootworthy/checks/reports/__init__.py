"""What the checks said, written down: one file for each format."""
