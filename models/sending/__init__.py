"""Claiming recipients, recording results, senders' leases, the messaging limit."""
