"""Tracked links and their clicks: links, the codes in people's messages, storing requests, figures."""
