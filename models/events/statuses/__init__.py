"""Applies message statuses: folds them per message, matches them to rows, writes the rows, and applies side effects."""
