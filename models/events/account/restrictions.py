"""Reads what an `ACCOUNT_RESTRICTION` stops, when it ends, and which number it names (docs/meta.md §7.8)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.events.account.update import AccountUpdate, meta_enum, moment_of
from models.tables.number import Number

STOPS_NO_CAMPAIGN = frozenset(
    {
        "RESTRICTED_ADD_PHONE_NUMBER_ACTION",
        "RESTRICTED_BUSINESS_INITIATED_CALLING",
        "RESTRICTED_USER_INITIATED_CALLING",
        "RESTRICTED_BIZ_INITIATED_AND_USER_INITIATED_CALLING",
        "RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN",
        "RATE_LIMITED_UTILITY_TEMPLATE_MESSAGING",
        "RESTRICTED_UTILITY_TEMPLATES",
        "RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES",
    }
)
"""Restrictions of calls, of Direct Send, of new numbers and of utility alone. A utility message above Meta's cap fails by itself
with 131064."""
STOPS_ANSWERS = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"
"""The only kind that also forbids answers to people who wrote."""
_NOT_DIGITS = re.compile(r"[^0-9]+")


@dataclass(frozen=True, slots=True)
class Restriction:
    """What one event restricts: `harmful` for the operator, empty if no campaign has to stop; `named` is the digits of the only
    number concerned, empty for the whole account. With `answers_go_on` only campaigns stop."""

    harmful: tuple[str, ...]
    named: str
    answers_go_on: bool

    def concerned(self, numbers: Sequence[Number]) -> list[Number]:
        """The named number; else those whose phone Meta has not told us yet, since each may be the named one."""
        named = [number for number in numbers if self.named in (_digits(number.display_phone), number.phone_number_id)]
        return named or [number for number in numbers if not number.display_phone]


def read_restriction(update: AccountUpdate) -> Restriction:
    """Read the event. Without a restriction in it, it is a warning or says that one was lifted, and stops nothing.

    A kind that is not known stops campaigns, and leaves answers: who wrote expects one, and Meta refuses it if it must.
    """
    info = update.value.get("restriction_info")
    harmful = []
    answers_go_on = True
    for item in info if isinstance(info, list) else [info]:
        if not isinstance(item, dict) or not item:
            continue
        kind = meta_enum(item.get("restriction_type")) or "UNNAMED"
        until = moment_of(item.get("expiration"))
        if kind not in STOPS_NO_CAMPAIGN and (until is None or until > update.now):
            harmful.append(f"{kind} until {until:%Y-%m-%d %H:%M} UTC" if until else kind)
            answers_go_on &= kind != STOPS_ANSWERS
    return Restriction(tuple(harmful), _digits(update.value.get("phone_number")), answers_go_on)


def _digits(value: object) -> str:
    return _NOT_DIGITS.sub("", str(value or ""))
