"""Wipes a person outside of the database: files under `var/`, Redis' file, SQLite's write-ahead log."""
