"""Renders the pages of campaigns: list, form, statistics, recipients, actions."""
