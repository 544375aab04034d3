"""Inbound messages: store, resolve the sender, attribute the reply, STOP first."""
