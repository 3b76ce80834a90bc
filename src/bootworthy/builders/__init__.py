"""How images come to be: bootstrap, kernel package, initial RAM disk, base layer."""
