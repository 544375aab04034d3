"""Makes a person's whole name of its parts, by one rule for files, shops and forms."""

MAX_CHARACTERS = 300


def whole_name(first: str | None, last: str | None) -> str:
    """`Ana Ruiz`, of `Ana` and `Ruiz`; empty without either."""
    return " ".join(part for part in (first, last) if part)[:MAX_CHARACTERS]


def joined_name(name: str, before: tuple[str | None, str | None], after: tuple[str | None, str | None]) -> str:
    """The name of a person whose first and last name were `before` and are `after` now.

    A name that somebody gave stays; one that was made of the parts, or is empty, follows them.
    """
    return whole_name(*after) if name in {"", whole_name(*before)} else name
