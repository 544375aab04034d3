"""The error of a file of which nothing can be taken."""

from models.errors import OperatorError


class BadFileError(OperatorError):
    """Nothing of the file can be taken; the message is one line."""
