"""What an operator asked for and cannot have."""


class Refused(ValueError):  # noqa: N818 - reads as a claim where it is caught
    """The text is one line for the operator: what, where, and what is allowed. Nothing was changed."""
