"""Stored rules over contacts: parse, compile to SQL, count; and the names that rules and audiences use."""
