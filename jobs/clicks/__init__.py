"""Stores clicks: the consumer of the stream of requests for tracked links."""
