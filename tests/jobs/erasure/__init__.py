"""Wiping a person outside of the database."""
