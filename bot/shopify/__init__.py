"""A Shopify shop as it is asked: the GraphQL Admin API, its answers, its errors and its rate limit."""
