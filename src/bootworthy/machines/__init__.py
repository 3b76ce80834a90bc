"""Pure facts about the machines that images run on: one file per VMM or board, found by `facts.known`."""
