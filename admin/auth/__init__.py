"""Handles users, roles, API tokens, sign-in, browser sessions and CSRF protection."""
