"""Keeps copies of the epoch outside of the database, and notices a database that is older than they are."""
