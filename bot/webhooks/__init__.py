"""What posts to us: doors, signature, Redis stream, parsers."""
