"""Statuses: fold, match, write once, and what follows."""
