"""A tree of files to the bytes of a filesystem: no root, no mount, no other program."""
