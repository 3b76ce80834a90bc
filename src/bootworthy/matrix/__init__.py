"""What is promised beside what was seen: cells and their evidence as a table, Markdown, JSON and a page."""
