"""Pure facts about the machines that images run on: one file per VMM, found by `facts.known`."""
