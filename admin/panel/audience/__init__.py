"""Pages of segments, tags, lists and attributes."""
