"""Serves tracked links: redirects from memory, and passes each request on to the stream of clicks."""
