"""Images between places: the store, layouts, archives, registries. `copy.py` is where to begin."""
