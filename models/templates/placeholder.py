"""The placeholder of a variable in a template's text: `{{1}}` or `{{first_name}}` (docs/meta.md §2.3)."""

import re

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
"""Its group is the variable's name or number."""
