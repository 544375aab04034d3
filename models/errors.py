"""What an operator asked for and cannot have."""


class OperatorError(ValueError):
    """The text is one line for the operator: what, where, and what is allowed. Nothing was changed."""
