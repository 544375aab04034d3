"""What a template needs and where its values come from."""
