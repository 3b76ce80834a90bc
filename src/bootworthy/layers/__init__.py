"""Compressed tar streams into entries, bodies of file data, and one merged tree."""
