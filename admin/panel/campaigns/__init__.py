"""Pages of campaigns: list, form, figures, people, actions."""
