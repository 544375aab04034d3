"""What a template is before Meta has it: its definition, read from Meta's JSON, and the rules that it checks (docs/meta.md §5)."""
