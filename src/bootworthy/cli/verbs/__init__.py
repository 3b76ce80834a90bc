"""One file per verb; its `COMMAND` is what the command line finds."""
