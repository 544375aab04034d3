"""Who a person is: phone numbers, identities, merging, consent, tags and fields."""
