"""Reads and validates bot flow files, and runs their sessions in an engine without side effects."""
