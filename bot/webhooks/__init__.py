"""Receives webhooks of Meta and Shopify: endpoints, signatures, the Redis stream, parsers."""
