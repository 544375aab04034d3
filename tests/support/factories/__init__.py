"""Rows for tests, by noun."""
