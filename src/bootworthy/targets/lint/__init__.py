"""What is wrong in documents that others wrote, and what to do about it."""
