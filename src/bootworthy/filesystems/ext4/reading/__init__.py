"""The parts of reading ext4, whoever wrote it: volume, inode records, block maps, directories, attributes.

Nothing that is read is believed: places lie in the volume, structures end, and a block holds one thing.
"""
