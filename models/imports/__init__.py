"""Rows of a contacts file, and the upsert that takes them in."""
