"""The chain of the audit: sealing each entry with the hash of the one before, and checking it."""
