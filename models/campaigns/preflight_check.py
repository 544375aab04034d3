"""One finding of the preflight."""

from dataclasses import dataclass

from models.text import Text


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """A problem or warning: a stable key, the sentence for the operator, and what to do about it."""

    key: str
    text: Text
    remedy: str
