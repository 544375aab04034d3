"""The database itself: two engines, column types, what SQLite and PostgreSQL say differently. Knows no noun."""
