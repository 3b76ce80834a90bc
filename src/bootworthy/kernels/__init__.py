"""Kernels as files: formats, releases, configuration, modules, and the initramfs that finds the root."""
