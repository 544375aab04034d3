"""Speaks the Graph API: sending, management calls, transport, error codes and message bodies."""
