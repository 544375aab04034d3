"""Calls to systems of others: which addresses may be called, and the client that calls them."""
