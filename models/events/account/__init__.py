"""Meta's account webhooks (templates, numbers, accounts, preferences, calls), each applied only if newer."""
