"""Inbound messages: resolves their senders, attributes and stores them, and applies STOP and START before any reply."""
