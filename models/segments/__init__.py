"""Parses, compiles to SQL and counts segment rules; and renames and deletes the tags, lists and attributes that they name."""
