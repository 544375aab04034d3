"""Decides whose message is tried again: which failures are temporary, when, and what is checked before."""
