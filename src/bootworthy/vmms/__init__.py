"""From a machine description to a launch plan, and from a plan to a running VM and its console."""
