"""Redaction, data export and retention."""
