"""Why somebody gets a campaign's message, or does not: every rule with the fact it was judged by, and what became of it."""
