"""Reads results for pages and commands: campaigns side by side, and the data behind charts as CSV."""
