"""Finds contacts by phone, for one phone and for many at once, by one rule.

A phone leads to the first of these:

1. the contact with exactly this number;
2. the contact who is known by another spelling of it (`person_key`), the oldest if there are several;
3. the contact that was given these digits when no number could be made of them;
4. the contact who had it before, if nobody has it now (models.contacts.aliases).

Merged and redacted contacts are never found: what led to a merged one leads to the contact that it was merged into, and nothing
leads to a redacted one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.contacts.aliases import RAW
from models.contacts.person_key import person_key
from models.contacts.phone import Phone, read_phone
from models.db.bulk import among
from models.errors import OperatorError
from models.tables.contact import Contact
from models.tables.contact_alias import ContactAlias

Record = dict[str, Any]
"""Columns of a contact by name; `id` and the ones of INDEXED at least."""
INDEXED = ("phone", "person_key", "raw_phone")
CHUNK = 1_000


class ContactNotFoundError(OperatorError):
    """No contact has the phone that an operator gave."""


class SoughtPhone(Protocol):
    """A phone to look for; `WrittenPhone` and the rows of an import are such."""

    @property
    def e164(self) -> str | None:
        """None if no number can be made of it."""

    @property
    def stored(self) -> str:
        """What a contact has for it in `raw_phone` if no number can be made of it."""

    @property
    def given(self) -> str:
        """Its digits as they were written."""

    @property
    def key(self) -> str:
        """Its `person_key`, or `raw:<stored>`: also the key of an alias."""


@dataclass(frozen=True, slots=True)
class WrittenPhone:
    """A phone as a person or a program wrote it."""

    e164: str | None
    stored: str
    given: str

    @classmethod
    def of(cls, phone: Phone) -> Self:
        """The phone as something to look for."""
        return cls(phone.e164, phone.stored, _digits(phone.raw))

    @property
    def key(self) -> str:
        """See SoughtPhone."""
        return person_key(phone=self.e164) if self.e164 else f"{RAW}{self.stored}"


class PhoneIndex:
    """The contacts that a batch of phones may lead to, as they were read; `find` applies the rule."""

    def __init__(self, records: Iterable[Record], former: Mapping[str, int]) -> None:
        self._former = former
        self._by_id: dict[int, Record] = {}
        self._by: dict[str, dict[str, Record]] = {name: {} for name in INDEXED}
        for record in records:
            self._by_id[record["id"]] = record
            self.add(record)

    @property
    def ids(self) -> set[int]:
        """The ids of all that were read."""
        return set(self._by_id)

    def add(self, record: Record) -> None:
        """Let a contact that does not exist yet be found by its number."""
        for name, index in self._by.items():
            if record[name]:
                index.setdefault(record[name], record)

    def find(self, phone: SoughtPhone) -> Record | None:
        """The contact that the phone leads to."""
        return self._holder(phone) or self._by_id.get(self._former.get(phone.key, 0))

    def is_former(self, phone: SoughtPhone) -> bool:
        """Whether nobody has it now, so that it leads at most to somebody who had it before."""
        return self._holder(phone) is None

    def _holder(self, phone: SoughtPhone) -> Record | None:
        if phone.e164 is None:
            return self._by["raw_phone"].get(phone.stored)
        by_number = self._by["phone"].get(phone.e164) or self._by["person_key"].get(phone.key)
        return by_number or self._by["raw_phone"].get(phone.given)


def read_phone_index(
    session: Session, phones: Sequence[SoughtPhone], columns: Iterable[str] = INDEXED, *, lock: bool = False
) -> PhoneIndex:
    """Read what these phones may lead to: at most five statements. Give it at most a few thousand.

    `lock`: nobody changes, merges or redacts these contacts until the transaction ends.
    """
    wanted = (
        (Contact.phone, {phone.e164 for phone in phones if phone.e164}),
        (Contact.person_key, {phone.key for phone in phones if phone.e164}),
        # Also numbers that came without their calling code once, and can be read now.
        (Contact.raw_phone, {phone.stored if phone.e164 is None else phone.given for phone in phones}),
    )
    ids: set[int] = set()
    for column, values in wanted:
        if values:
            ids.update(session.scalars(select(Contact.id).where(among(session, column, values))))
    aliases = select(ContactAlias.key, ContactAlias.contact_id).where(
        among(session, ContactAlias.key, [phone.key for phone in phones])
    )
    former = {row.key: row.contact_id for row in session.execute(aliases)}
    ids.update(former.values())
    if not ids:
        return PhoneIndex((), former)
    query = select(*(getattr(Contact, name) for name in ("id", *columns)))
    query = query.where(among(session, Contact.id, ids)).order_by(Contact.id)
    query = query.where(Contact.merged_into_id.is_(None), Contact.redacted_at.is_(None))
    rows = session.execute(query.with_for_update() if lock else query).mappings().all()
    return PhoneIndex([dict(row) for row in rows], former)


def find_contacts(session: Session, phones: Iterable[str]) -> dict[str, int]:
    """Numbers in E.164 → the ids of their contacts; a number without one is left out."""
    numbers = list(dict.fromkeys(phones))
    found: dict[str, int] = {}
    for start in range(0, len(numbers), CHUNK):
        some = {number: WrittenPhone(number, number, _digits(number)) for number in numbers[start : start + CHUNK]}
        index = read_phone_index(session, list(some.values()))
        found |= {number: record["id"] for number, phone in some.items() if (record := index.find(phone)) is not None}
    return found


def find_contact(session: Session, phone: str, default_country: str | None = None) -> Contact | None:
    """The contact of a phone as a person writes it. Raises NotAPhoneError if it is none."""
    sought = WrittenPhone.of(read_phone(phone, default_country))
    record = read_phone_index(session, [sought]).find(sought)
    return session.get(Contact, record["id"]) if record is not None else None


def require_contact_with_phone(session: Session, phone: str, default_country: str | None = None) -> Contact:
    """The same for an operator. Raises NotAPhoneError if it is no phone, ContactNotFoundError if nobody has it."""
    contact = find_contact(session, phone, default_country)
    if contact is None:
        raise no_contact(phone)
    return contact


def no_contact(phone: str) -> ContactNotFoundError:
    """What an operator is told of a phone that leads to nobody."""
    return ContactNotFoundError("there is no contact with the phone {phone}", phone=phone.strip()[:40])


def named_by(
    keys: Iterable[str], wa_ids: Iterable[str] = (), phones: Iterable[str] = ()
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Conditions on contacts: every contact that any of these names now, also several of one person that are to be merged."""
    named: list[ColumnElement[bool]] = [Contact.person_key.in_(sorted(keys))]
    for column, values in ((Contact.wa_id, sorted(wa_ids)), (Contact.phone, sorted(phones))):
        if values:
            named.append(column.in_(values))
    return or_(*named), Contact.merged_into_id.is_(None)


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)
