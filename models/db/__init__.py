"""Connects to the database: engines, column types, and the differences of SQLite and PostgreSQL. Knows no table."""
