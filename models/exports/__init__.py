"""Reads lists as rows of cells for a file: contacts, segments, cases and orders, a page at a time."""
