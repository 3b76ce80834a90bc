"""Images into files: what a volume is made from, how it is made, and where it is kept."""
