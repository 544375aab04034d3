"""The one list of reasons why somebody has no message: Meta's errors, why people are left out, and why a campaign pauses.

Each has plain words, what to do, and how other products call it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from admin.panel.labels import NOT_SENT, PAUSE
from bot.meta.error_codes import FAMILIES, PERMISSION, TABLE, ErrorRule
from models.folding import fold_letters
from models.tables.campaign import PauseReason
from models.tables.recipient import NOT_SENT_ADVICE, NOT_SENT_TEXT, NotSent

_WORD = re.compile(r"\w+")


class ReasonGroup(StrEnum):
    """What a reason stops."""

    META = "Meta's errors"
    LEFT_OUT = "Left out before sending"
    PAUSED = "Pauses of a campaign"


OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    NotSent.NOT_SUBSCRIBED: ("CUSTOMER_IS_NOT_OPTED_IN",),
    NotSent.MARKETING_STOPPED: ("CUSTOMER_IS_NOT_OPTED_IN",),
    "131050": ("CUSTOMER_IS_NOT_OPTED_IN",),
    NotSent.MISSING_CALLING_CODE: ("CUSTOMER_IS_MISSING_CALLING_CODE",),
    NotSent.UNCLEAR_PHONE: ("CUSTOMER_IS_MISSING_CALLING_CODE",),
    PauseReason.BUDGET: ("Credit error", "Insufficient credits"),
    PauseReason.PAYMENT: ("Credit error",),
    "131042": ("Credit error",),
    NotSent.OPEN_CASE: ("Open case in the inbox",),
    NotSent.ENGAGED: ("Already in an active campaign",),
    NotSent.NOT_ON_WHATSAPP: ("Not a WhatsApp user",),
    "131026": ("Not a WhatsApp user",),
    NotSent.MISSING_VARIABLE: ("Valued tag missing",),
}
"""How other products call it, by the reason's key."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `key`: Meta's code or codes, else our word as it stands in exports and statistics."""

    key: str
    group: ReasonGroup
    text: str
    advice: str
    names: tuple[str, ...] = ()
    codes: range = range(0)
    """Meta's codes; empty for a reason of ours."""

    @property
    def names_searched(self) -> tuple[str, ...]:
        """Its key and names, folded; an underscore is a space."""
        return tuple(_folded(name) for name in (self.key, *self.names))

    @property
    def words_searched(self) -> frozenset[str]:
        """Every word of it, folded."""
        return frozenset(_WORD.findall(" ".join((*self.names_searched, _folded(self.text), _folded(self.advice)))))


@cache
def all_reasons() -> Sequence[Reason]:
    """Every reason, Meta's by their codes, ours in the order in which they are tried."""
    return [*sorted(_of_meta(), key=lambda reason: reason.codes.start), *_left_out(), *_pauses()]


def find_reasons(text: str) -> Sequence[Reason]:
    """The reasons of this name, else those that have all words of `text` or begin with them. All for an empty text.

    A number finds the code, or the family that it belongs to.
    """
    name = _folded(text)
    named = [reason for reason in all_reasons() if name in reason.names_searched]
    words = _WORD.findall(name)
    if named or (name and not words):
        return named
    return [reason for reason in all_reasons() if all(_has(reason, word) for word in words)]


def _has(reason: Reason, word: str) -> bool:
    is_code = word.isascii() and word.isdigit() and len(word) <= 10
    return any(each.startswith(word) for each in reason.words_searched) or (is_code and int(word) in reason.codes)


def _of_meta() -> Iterator[Reason]:
    for code, rule in TABLE.items():
        yield _meta_reason(range(code, code + 1), rule)
    for codes, rule in (*FAMILIES, (range(200, 300), PERMISSION)):
        yield _meta_reason(codes, rule)


def _meta_reason(codes: range, rule: ErrorRule) -> Reason:
    key = str(codes.start) if len(codes) == 1 else f"{codes.start} to {codes.stop - 1}"
    return Reason(key, ReasonGroup.META, rule.text, rule.advice, OTHER_NAMES.get(key, ()), codes)


def _left_out() -> Iterator[Reason]:
    for reason in NotSent:
        text = f"{NOT_SENT[reason]}. {NOT_SENT_TEXT[reason]}"
        yield Reason(reason.value, ReasonGroup.LEFT_OUT, text, NOT_SENT_ADVICE[reason], OTHER_NAMES.get(reason, ()))


def _pauses() -> Iterator[Reason]:
    for reason, (text, advice) in PAUSE.items():
        yield Reason(reason.value, ReasonGroup.PAUSED, f"{text}.", advice, OTHER_NAMES.get(reason, ()))


def _folded(text: str) -> str:
    return " ".join(fold_letters(text).replace("_", " ").split())
