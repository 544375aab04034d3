"""Explains the error of one message: plain words, what to do, and apart from them what Meta said."""

from dataclasses import dataclass

from bot.meta.error_codes import UNKNOWN, known_rule
from models.campaigns.recipient_error import recipient_error
from models.stored_texts import NO_REASON, REFUSED, REFUSED_SAYING, read_text


@dataclass(frozen=True, slots=True)
class ExplainedError:
    """An error for people. `said`: Meta's own words, empty where she gave none or they are all that is known."""

    code: int | None
    text: str
    advice: str = ""
    said: str = ""


def explain_error(code: int | None, stored: str | None) -> ExplainedError | None:
    """Explain what a row keeps of an error; None if it keeps none."""
    text = read_text(stored)
    if not code:
        return None if text is None else ExplainedError(None, text.translated())
    if text is not None and text.key not in {None, REFUSED.key, REFUSED_SAYING.key}:
        return ExplainedError(code, text.translated())  # a sentence of ours that says more than the code
    rule = known_rule(code) or UNKNOWN
    said = ""
    if text is not None and text.key != REFUSED.key:
        said = str(text.values["said"]) if text.key else text.translated()
    return ExplainedError(code, rule.text, rule.advice, said)


def explain_recipient(status: str, code: int | None, stored: str | None) -> ExplainedError | None:
    """Explain the error that a recipient of this status shows; None for one that shows none.

    A failure for which nothing was given says so.
    """
    shown_code, text = recipient_error(status, code, stored)
    if shown_code is None and text is None:
        return None
    return explain_error(shown_code, stored) or ExplainedError(shown_code, text or NO_REASON().translated())
