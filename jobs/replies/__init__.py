"""Answers inbound messages: decides, writes and sends the replies, in order within each conversation."""
