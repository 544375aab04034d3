"""Writes tables of any length as files: CSV and XLSX, a chunk at a time, in flat memory."""
