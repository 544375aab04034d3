"""Settles numbers without a calling code: people grouped by what their number may mean, and mended once somebody says which it is.

A number that lost its plus may be one of two people's; one that came before a country was set (`DEFAULT_COUNTRY`) was never read.

Nothing is guessed. A reading that leads to another contact is a collision: whether the two are one person is asked in the merge. A
number of somebody who was redacted stays as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import phonenumbers
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.contacts.aliases import add_aliases, identifiers_of, release_aliases
from models.contacts.identity import copy_engagement
from models.contacts.lookup import WrittenPhone, read_phone_index
from models.contacts.person_key import person_key
from models.contacts.phone import Phone, read_national, read_phone
from models.contacts.resolve import lock_identities
from models.db.bulk import among
from models.db.dialect import NO_SYNC
from models.tables.contact import Contact, PhoneProblem, Suppression

CHUNK = 1_000
EXAMPLES = 3
UNSETTLED = (PhoneProblem.UNCLEAR_PHONE, PhoneProblem.MISSING_CALLING_CODE)
NOWHERE = "none"
"""Stands in a group's key for a reading that is not possible, or belongs to no country."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an operator says of numbers: international, or national in a country (ISO code)."""

    country: str | None = None
    """None: international."""

    def of(self, raw: str) -> Phone:
        """The number read so; its `e164` is None where that is not possible."""
        return read_national(raw, self.country) if self.country else read_phone(f"+{raw}", None)


INTERNATIONAL = Reading()


@dataclass(frozen=True, slots=True)
class UnclearPhone:
    """A contact whose number has no calling code, with its possible readings in E.164."""

    id: int
    name: str
    raw: str
    international: Phone
    national: Phone | None

    @property
    def readings(self) -> tuple[str, ...]:
        """Those that are possible, in E.164; the international one first."""
        return tuple(phone.e164 for phone in (self.international, self.national) if phone is not None and phone.e164)

    @property
    def group(self) -> str:
        """The key of its group: the countries of both readings, as `ES-DE`."""
        return "-".join((_place(self.international), _place(self.national)))


@dataclass(slots=True)
class UnclearGroup:
    """People whose numbers may mean the same two countries."""

    key: str
    calling_code: int | None
    country: str | None
    """Of the international reading."""
    national: str | None
    number: int = 0
    examples: list[UnclearPhone] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Collision:
    """A reading that another contact has, or had before."""

    contact_id: int
    phone: str
    other_id: int


@dataclass(slots=True)
class MendTally:
    """What became of numbers that were settled; each contact is in one of these. Ids of contacts."""

    mended: list[int] = field(default_factory=list)
    impossible: list[int] = field(default_factory=list)
    redacted: list[int] = field(default_factory=list)
    collisions: list[Collision] = field(default_factory=list)

    def add(self, other: "MendTally") -> None:
        """Count the other's too."""
        self.mended += other.mended
        self.impossible += other.impossible
        self.redacted += other.redacted
        self.collisions += other.collisions


def unclear_phones(session: Session, default_country: str | None, after: str = "") -> Iterator[UnclearPhone]:
    """Yield the contacts in the order of their numbers, after `after`. They are found by the index of unread numbers, however
    many contacts there are.
    """
    while True:
        rows = session.execute(
            select(Contact.id, Contact.name, Contact.raw_phone)
            .where(Contact.raw_phone > after, Contact.phone_problem.in_(UNSETTLED))
            .order_by(Contact.raw_phone)
            .limit(CHUNK)
        ).all()
        for row in rows:
            national = read_national(row.raw_phone, default_country) if default_country else None
            yield UnclearPhone(row.id, row.name, row.raw_phone, INTERNATIONAL.of(row.raw_phone), national)
        if len(rows) < CHUNK:
            return
        after = rows[-1].raw_phone


def has_unclear_phones(session: Session) -> bool:
    """Whether there is any."""
    unclear = select(Contact.id).where(Contact.raw_phone > "", Contact.phone_problem.in_(UNSETTLED))
    return session.execute(unclear.limit(1)).first() is not None


def unclear_groups(session: Session, default_country: str | None, most: int) -> tuple[list[UnclearGroup], bool]:
    """The groups among the first `most` people, the largest first, and whether those are all."""
    groups: dict[str, UnclearGroup] = {}
    is_whole = True
    for count, person in enumerate(unclear_phones(session, default_country)):
        if count == most:
            is_whole = False
            break
        group = groups.setdefault(person.group, _group_of(person))
        group.number += 1
        if len(group.examples) < EXAMPLES:
            group.examples.append(person)
    return sorted(groups.values(), key=lambda group: (-group.number, group.key)), is_whole


def collisions_of(session: Session, phones: Sequence[tuple[int, str]]) -> list[Collision]:
    """Those of (contact id, E.164) that lead to another contact now."""
    written = [WrittenPhone(e164, e164, e164.lstrip("+")) for _, e164 in phones]
    index = read_phone_index(session, written)
    found = []
    for (contact_id, e164), phone in zip(phones, written, strict=True):
        record = index.find(phone)
        if record is not None and record["id"] != contact_id:
            found.append(Collision(contact_id, e164, record["id"]))
    return found


def settle_unclear(
    session: Session,
    ids: Sequence[int],
    reading: Reading,
    now: datetime,
    person_hashes: Callable[[str], tuple[str, ...]],
    *,
    dry_run: bool = False,
) -> MendTally:
    """Give these contacts the number that `reading` says. Whoever is not unclear any more is left alone.

    A few hundred at a time: nobody adds or merges contacts meanwhile. `person_hashes` recognises people who were redacted.
    """
    if not dry_run:
        lock_identities(session)
    query = select(Contact).where(among(session, Contact.id, ids), Contact.phone_problem.in_(UNSETTLED))
    query = query.where(Contact.raw_phone.is_not(None), Contact.merged_into_id.is_(None), Contact.redacted_at.is_(None))
    contacts = session.scalars(
        (query if dry_run else query.with_for_update()).order_by(Contact.id),
        execution_options={"populate_existing": True},
    ).all()
    tally = MendTally()
    phones: dict[int, Phone] = {}
    for contact in contacts:
        phone = reading.of(contact.raw_phone or "")
        if phone.e164 is None:
            tally.impossible.append(contact.id)
        else:
            phones[contact.id] = phone
    _sort_out_redacted(session, phones, person_hashes, tally)
    _sort_out_collisions(session, phones, tally)
    for contact in contacts:
        if contact.id in phones:
            if not dry_run:
                _mend(session, contact, phones[contact.id], now)
            tally.mended.append(contact.id)
    return tally


def _sort_out_redacted(
    session: Session, phones: dict[int, Phone], person_hashes: Callable[[str], tuple[str, ...]], tally: MendTally
) -> None:
    hashes = {
        hashed: contact_id
        for contact_id, phone in phones.items()
        for hashed in person_hashes(person_key(phone=phone.e164))
    }
    suppressed = select(Suppression.person_hash).where(among(session, Suppression.person_hash, hashes))
    found = session.scalars(suppressed).all() if hashes else ()
    for contact_id in sorted({hashes[hashed] for hashed in found}):
        tally.redacted.append(contact_id)
        del phones[contact_id]


def _sort_out_collisions(session: Session, phones: dict[int, Phone], tally: MendTally) -> None:
    """With other contacts, and among these: the first takes the number."""
    if not phones:
        return
    collisions = collisions_of(session, [(contact_id, phone.e164 or "") for contact_id, phone in phones.items()])
    taken: dict[str, int] = {}
    for collision in collisions:
        del phones[collision.contact_id]
    for contact_id, phone in list(phones.items()):
        first = taken.setdefault(person_key(phone=phone.e164), contact_id)
        if first != contact_id:
            collisions.append(Collision(contact_id, phone.e164 or "", first))
            del phones[contact_id]
    tally.collisions += collisions


def _mend(session: Session, contact: Contact, phone: Phone, now: datetime) -> None:
    """The text that came stays an alias, so that the same file finds the person again."""
    before, old = contact.person_key, identifiers_of(contact)
    key = person_key(wa_id=contact.wa_id, phone=phone.e164)
    session.execute(
        update(Contact)
        .where(Contact.id == contact.id, Contact.raw_phone == contact.raw_phone)
        .values(
            phone=phone.e164,
            raw_phone=None,
            phone_problem=None,
            country=contact.country or phone.country,
            person_key=key,
            updated_at=now,
        ),
        execution_options=NO_SYNC,
    )
    session.expire(contact)
    release_aliases(session, [key])
    add_aliases(session, contact.id, {name: it for name, it in old.items() if name.startswith("raw:")}, now)
    if key != before:
        copy_engagement(session, before, key)


def _group_of(person: UnclearPhone) -> UnclearGroup:
    e164 = person.international.e164
    return UnclearGroup(
        key=person.group,
        calling_code=phonenumbers.parse(e164).country_code if e164 else None,
        country=person.international.country,
        national=person.national.country if person.national and person.national.e164 else None,
    )


def _place(phone: Phone | None) -> str:
    if phone is None or phone.e164 is None:
        return NOWHERE
    return phone.country or f"{phonenumbers.parse(phone.e164).country_code}"
