"""Pages of templates: list, one template with its life, the form that writes one, Meta's library."""
