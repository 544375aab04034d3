"""Shows, edits, imports and merges contacts."""
