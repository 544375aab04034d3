"""Draws a message as a phone shows it: Meta's JSON in, a typed bubble and its HTML out. Pure: no database, no network, no files."""
