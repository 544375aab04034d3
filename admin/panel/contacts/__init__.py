"""Pages of contacts: list, person, import, merge."""
