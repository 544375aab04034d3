"""Reads which values a template needs, and compiles their sources to SQL."""
