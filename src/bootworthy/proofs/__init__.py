"""Boot a cell, let the guest speak for itself, and keep what was seen."""
