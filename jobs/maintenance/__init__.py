"""Purging, and reading our side at Meta again."""
