"""Sending: claims of recipients, results of attempts, leases of lanes, and the messaging limit."""
