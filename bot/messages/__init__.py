"""Builds the bodies of messages: of every format of template message, and of chat messages."""
