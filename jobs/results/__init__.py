"""Counts the results of campaigns again where rows changed, and compares all of them with the rows."""
