"""Build, prove and ship operating-system images for microVMs and edge machines."""
