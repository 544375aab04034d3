"""How large the body of a request for the panel may be."""

MAX_BYTES = 110 * 1024 * 1024
"""Enough for the largest media file of a template header (100 MB, docs/meta.md §6) with the rest of the form."""
MAX_BYTES_SIGNED_OUT = 64 * 1024
