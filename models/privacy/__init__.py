"""Redacts people, exports their data, and purges old rows."""
