"""Reads Meta's own analytics every night: what messages cost by her books, beside our own count."""
