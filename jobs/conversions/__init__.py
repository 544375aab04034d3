"""Attributes orders to campaigns' messages as they change, and counts all of them again."""
