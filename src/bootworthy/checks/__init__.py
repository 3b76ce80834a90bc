"""Would this boot there? Rules about images that need no boot, no root and no mount: one file per family."""
