"""Answering people, one conversation at a time."""
