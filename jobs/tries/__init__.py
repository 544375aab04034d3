"""Tries temporary failures of campaigns again: when an operator says so, and by a campaign's own rule."""
