"""The Graph API: client, transport, error codes, message bodies."""
