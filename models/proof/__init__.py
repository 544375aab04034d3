"""The signed file about one person and one campaign: its keys, its facts, its archive, the page in it."""
