"""Everything that speaks with Meta or with a person in chat."""
