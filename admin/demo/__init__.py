"""flask demo."""
