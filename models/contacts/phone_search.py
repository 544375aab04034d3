"""Finds contacts by any part and spelling of their number: 0034…, (0), a national 0, spaces, dashes, the last digits."""

import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session

from models.contacts.aliases import RAW, WA
from models.contacts.person_key import canonical_wa_id
from models.contacts.phone import NotAPhoneError, fold_digits, read_phone
from models.tables.contact import Contact
from models.tables.contact_alias import ContactAlias

MIN_DIGITS = 3
MIN_WHOLE = 7
"""So many digits may be a whole number, which is completed by the house's country."""
MIN_NATIONAL = 9
"""So many digits after a trunk prefix other than 0, so that they are hardly a part of another number."""
MAX_LAST = 9
"""More digits that begin with 00 are a whole number."""
TRUNK_PREFIXES = ("06", "1", "8")
"""What is dialled before a national number, by libphonenumber's data; besides 0."""
_PART = re.compile(r"\+?[0-9 ()./-]*")
_TRUNK_ZERO = re.compile(r"\(0\)")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_COLUMNS = ((Contact.phone, "+"), (Contact.wa_id, ""), (Contact.raw_phone, ""))


@dataclass(frozen=True, slots=True)
class _Sought:
    """Digits with which a number begins, digits that stand anywhere in one, and whole numbers as `canonical_wa_id` spells them."""

    begins: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)


def is_part_of_phone(text: str) -> bool:
    """Whether it is digits with what stands between those of a number, and not a word."""
    plain = _plain(text)
    return _PART.fullmatch(plain) is not None and len(_NOT_DIGITS.sub("", plain)) >= MIN_DIGITS


def phone_condition(
    session: Session, phone: str, default_country: str | None, most_aliases: int
) -> tuple[Select[Any], ColumnElement[bool]]:
    """Return the ids of the contacts with this part in their number or in an earlier one, and the same as a check of a contact.

    A number from its calling code on (+34…, 0034…) is looked up in the indexes; any other part is looked for in all numbers. By
    LIKE: PostgreSQL expects few matches of it, and reads the table once.
    """
    sought = _read(phone, default_country)
    if not sought.begins and not sought.parts:
        return select(Contact.id).where(false()), false()
    conditions = [or_(*_matches(column, sign, sought)) for column, sign in _COLUMNS]
    if sought.whole:
        conditions.append(or_(*(_in_range(Contact.person_key, WA, digits) for digits in sorted(sought.whole))))
    former = select(ContactAlias.contact_id).where(or_(*_alias_matches(sought))).limit(most_aliases)
    if alias_ids := session.scalars(former).all():
        conditions.append(Contact.id.in_(alias_ids))
    found = or_(*conditions)
    return select(Contact.id).where(found), found


def _read(phone: str, default_country: str | None) -> _Sought:
    plain = _TRUNK_ZERO.sub("", _plain(phone))
    digits = _NOT_DIGITS.sub("", plain)
    if not digits:
        return _Sought()
    if plain.startswith("+"):
        return _from_calling_code(digits)
    if digits.startswith("00") and digits[2:].strip("0"):
        sought = _from_calling_code(digits[2:])
        if len(digits) < MAX_LAST:
            sought.parts.add(digits)  # a few digits may also be the last ones: …0034
        return sought
    sought = _Sought(parts={digits, digits.lstrip("0") or digits})
    if len(digits) >= MIN_WHOLE:
        national = _completed(plain, default_country)
        if national is not None:
            sought.parts.add(national)
        sought.whole.update(map(canonical_wa_id, (digits, national or digits)))
        rests = (digits.removeprefix(prefix) for prefix in TRUNK_PREFIXES if digits.startswith(prefix))
        sought.parts.update(rest for rest in rests if len(rest) >= MIN_NATIONAL)
    return sought


def _from_calling_code(digits: str) -> _Sought:
    spellings = {digits, canonical_wa_id(digits)}
    return _Sought(begins=spellings, whole=spellings if len(digits) >= MIN_WHOLE else set())


def _completed(plain: str, default_country: str | None) -> str | None:
    """The digits of a national number of this country, with its calling code."""
    if default_country is None:
        return None
    try:
        whole = read_phone(plain, default_country).e164
    except NotAPhoneError:
        return None
    return whole.lstrip("+") if whole else None


def _matches(column: Any, sign: str, sought: _Sought) -> list[ColumnElement[bool]]:
    return [
        *(_in_range(column, sign, digits) for digits in sorted(sought.begins)),
        *(column.contains(digits) for digits in sorted(sought.parts)),
    ]


def _alias_matches(sought: _Sought) -> list[ColumnElement[bool]]:
    """Few contacts have an earlier number. `;` comes after `:`, with which these keys begin."""
    key = ContactAlias.key
    of_number = or_(*(and_(key >= sign, key < f"{sign[:-1]};") for sign in (WA, RAW)))
    digits = sorted(sought.begins | sought.whole)
    ranges = [_in_range(key, sign, begin) for sign in (WA, RAW) for begin in digits]
    return [*ranges, *(and_(of_number, key.contains(part)) for part in sorted(sought.parts))]


def _in_range(column: Any, sign: str, digits: str) -> ColumnElement[bool]:
    """Ranges, which can use an index under any collation since numbers are digits."""
    head = digits.rstrip("9")
    begins = column >= sign + digits
    return and_(begins, column < f"{sign}{head[:-1]}{int(head[-1]) + 1}") if head else begins


def _plain(text: str) -> str:
    plain = fold_digits(text).strip()
    return plain[4:].strip() if plain[:4].lower() == "tel:" else plain
