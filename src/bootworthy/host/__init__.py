"""The machine we run on: the one door to subprocesses, tools, folders, locks, atomic files, progress."""
