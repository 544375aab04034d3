"""Shows and edits segments, tags, lists and attributes."""
