"""Keeps the earlier tries of recipients, and takes a queued one back when it is not needed."""
