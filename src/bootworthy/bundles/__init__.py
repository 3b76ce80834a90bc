"""Bundles: the images of a system and a kernel as one; held, looked at, compared, carried elsewhere."""
