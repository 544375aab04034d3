"""Finding contacts among a million: pages by key, newest first, never by offset.

A condition whose contacts an index has in order, or that has few, drives the query; the others are checked on what it
gives. Where nothing drives it (a name, the beginning of most numbers), contacts are looked through in bounded windows.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from models.contacts.aliases import RAW, WA
from models.contacts.phone import NotAPhoneError, read_phone
from models.db.dialect import is_sqlite
from models.tables.contact import Consent, Contact
from models.tables.contact_alias import ContactAlias
from models.tables.tag import ContactTag, ListMember, Tag

PAGE = 50
FEW = 50_000
"""What an index answers with at most so many ids, in no order, drives the query."""
BATCH = 500
MAX_BATCHES = 100
"""Batches of ids looked through for one page."""
MAX_COUNTED = 10_000
"""A count of a filtered list stops here."""
WINDOW = 100_000
"""Ids looked through at a time where nothing drives the query, and at most so many windows a page."""
MAX_WINDOWS = 4

_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{3,}")


@dataclass(frozen=True, slots=True)
class ContactSearch:
    """What is asked for; every part narrows. `phone` is a beginning; `text` stands anywhere in the name or the e-mail."""

    text: str = ""
    phone: str = ""
    tag: str = ""
    value: str = ""
    list_id: int | None = None
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Contacts, newest first. The next page begins after `next_after_id`; None says that there is no more."""

    contacts: Sequence[Contact]
    next_after_id: int | None


@dataclass(frozen=True, slots=True)
class ContactCount:
    """How many match; at least, or about, so many where it is not exact."""

    number: int
    is_exact: bool


def search_contacts(
    session: Session,
    *,
    text: str = "",
    phone: str = "",
    tag: str = "",
    value: str = "",
    list_id: int | None = None,
    consent: Consent | None = None,
    after_id: int | None = None,
    limit: int = PAGE,
    default_country: str | None = None,
) -> ContactPage:
    """One page. A `text` that is written like a number is taken as a phone; `value` narrows `tag`."""
    search = _read(ContactSearch(text, phone, tag, value, list_id, consent), default_country)
    below = after_id if after_id is not None else (session.scalar(select(func.max(Contact.id))) or 0) + 1
    driver, checks = _conditions(session, search)
    if driver is not None:
        return _driven_page(session, driver, checks, below, limit)
    if search.text or search.phone or search.tag:
        return _page_by_windows(session, checks, below, limit)
    return _page(session, checks, below, limit)


def count_contacts(
    session: Session,
    *,
    text: str = "",
    phone: str = "",
    tag: str = "",
    value: str = "",
    list_id: int | None = None,
    consent: Consent | None = None,
    default_country: str | None = None,
) -> ContactCount:
    """How many match, at a bounded cost: exact up to MAX_COUNTED, beyond that not."""
    search = _read(ContactSearch(text, phone, tag, value, list_id, consent), default_country)
    if search == ContactSearch():
        return _count_all(session)
    driver, checks = _conditions(session, search)
    if driver is not None:
        return _driven_count(session, driver, checks, is_alone=not search.text and search.consent is None)
    newest = session.scalar(select(func.max(Contact.id))) or 0
    is_scanned = bool(search.text or search.phone or search.tag)
    if is_scanned:
        checks.append(Contact.id > newest - WINDOW)
    some = select(Contact.id).where(*checks).limit(MAX_COUNTED + 1).subquery()
    number = session.scalar(select(func.count()).select_from(some)) or 0
    return ContactCount(min(number, MAX_COUNTED), number <= MAX_COUNTED and (newest <= WINDOW or not is_scanned))


def _read(search: ContactSearch, default_country: str | None) -> ContactSearch:
    """Trimmed; a number in the free text is a phone, and a national one is completed."""
    search = replace(
        search, text=search.text.strip(), phone=search.phone.strip(), tag=search.tag.strip(), value=search.value.strip()
    )
    if search.text and not search.phone and _NUMBER.fullmatch(search.text):
        search = replace(search, text="", phone=search.text)
    if search.phone and not search.phone.startswith("+") and default_country:
        try:
            whole = read_phone(search.phone, default_country).e164
        except NotAPhoneError:
            whole = None
        search = replace(search, phone=whole or search.phone)
    return search


class _Driver:
    """Ids from the newest down, from an index that has them in order or from a set that was small enough to fetch."""

    def __init__(self, session: Session, ids: Select[Any], column: Any, *, in_order: bool) -> None:
        self._session, self._ids, self._column = session, ids, column
        self._fetched: list[int] | None = None
        if not in_order:
            self._fetched = sorted(session.scalars(ids.limit(FEW + 1)), reverse=True)
        self.is_usable = self._fetched is None or len(self._fetched) <= FEW
        self.rank = FEW if self._fetched is None else len(self._fetched)

    def below(self, last: int, size: int) -> list[int]:
        """The next ids under `last`."""
        if self._fetched is None:
            query = self._ids.where(self._column < last).order_by(self._column.desc()).limit(size)
            return list(self._session.scalars(query))
        start = bisect_right(self._fetched, -last, key=lambda key: -key)
        return self._fetched[start : start + size]


def _conditions(session: Session, search: ContactSearch) -> tuple[_Driver | None, list[ColumnElement[bool]]]:
    """What drives the query, if there is such, and what is checked on each contact."""
    checks: list[ColumnElement[bool]] = [Contact.merged_into_id.is_(None)]
    if search.consent is None:
        checks.append(Contact.redacted_at.is_(None))
    else:
        checks.append(Contact.consent == search.consent)
    indexed = _indexed(session, search)
    usable = [driver for driver, _ in indexed if driver.is_usable]
    chosen = min(usable, key=lambda driver: driver.rank, default=None)
    checks += [check for driver, check in indexed if driver is not chosen]
    if search.text:
        pattern = f"%{_escaped(search.text)}%"
        checks.append(or_(Contact.name.ilike(pattern, escape="\\"), Contact.email.ilike(pattern, escape="\\")))
    return chosen, checks


def _indexed(session: Session, search: ContactSearch) -> list[tuple[_Driver, ColumnElement[bool]]]:
    """Each condition that an index answers: what drives by it, and the same as a check of one contact."""
    found: list[tuple[_Driver, ColumnElement[bool]]] = []
    if search.phone:
        starts = _phone_starts(session, search.phone)
        found.append((_Driver(session, select(Contact.id).where(starts), Contact.id, in_order=False), starts))
    if search.tag:
        found.append(_tagged(session, search))
    if search.list_id is not None:
        on_list = ListMember.list_id == search.list_id
        ids = select(ListMember.contact_id).where(on_list)
        check = exists().where(ListMember.contact_id == Contact.id, on_list)
        found.append((_Driver(session, ids, ListMember.contact_id, in_order=True), check))
    return found


def _tagged(session: Session, search: ContactSearch) -> tuple[_Driver, ColumnElement[bool]]:
    """The index has the contacts of one value in order: of the value asked for, or of none where no contact has one."""
    tag_id = session.scalar(select(Tag.id).where(Tag.name == search.tag)) or 0
    carries = ContactTag.tag_id == tag_id
    if search.value:
        carries = and_(carries, ContactTag.value == search.value)
    has_values = select(ContactTag.contact_id).where(carries, ContactTag.value.is_not(None)).limit(1)
    is_label = not search.value and session.execute(has_values).first() is None
    ids = select(ContactTag.contact_id).where(carries, *([ContactTag.value.is_(None)] if is_label else []))
    check = exists().where(ContactTag.contact_id == Contact.id, carries)
    return _Driver(session, ids, ContactTag.contact_id, in_order=bool(search.value) or is_label), check


def _phone_starts(session: Session, phone: str) -> ColumnElement[bool]:
    """Ranges, which an index answers under any collation: numbers are digits. Few have a number that they had before."""
    digits = re.sub(r"[^0-9]", "", phone)
    if not digits:
        return Contact.id < 0
    columns = ((Contact.phone, "+"), (Contact.wa_id, ""), (Contact.raw_phone, ""))
    before = or_(*(_in_range(ContactAlias.key, sign, digits) for sign in (WA, RAW)))
    former = session.scalars(select(ContactAlias.contact_id).where(before).limit(BATCH)).all()
    found = or_(*(_in_range(column, sign, digits) for column, sign in columns))
    return or_(found, Contact.id.in_(former)) if former else found


def _in_range(column: Any, sign: str, digits: str) -> ColumnElement[bool]:
    head = digits.rstrip("9")
    begins = column >= sign + digits
    return and_(begins, column < f"{sign}{head[:-1]}{int(head[-1]) + 1}") if head else begins


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _driven_page(
    session: Session, driver: _Driver, checks: list[ColumnElement[bool]], below: int, limit: int
) -> ContactPage:
    found: list[Contact] = []
    for _ in range(MAX_BATCHES):
        ids = driver.below(below, BATCH)
        if not ids:
            return ContactPage(found, None)
        query = select(Contact).where(Contact.id.in_(ids), *checks).order_by(Contact.id.desc())
        found += session.scalars(query.limit(limit + 1 - len(found)))
        if len(found) > limit:
            return ContactPage(found[:limit], found[limit - 1].id)
        below = ids[-1]
    return ContactPage(found, below)


def _driven_count(
    session: Session, driver: _Driver, checks: list[ColumnElement[bool]], *, is_alone: bool
) -> ContactCount:
    """Who is merged or redacted has neither tags nor lists nor a phone: a condition that stands alone is only counted."""
    ids = driver.below(sys.maxsize, MAX_COUNTED + 1)
    is_whole = len(ids) <= MAX_COUNTED
    if is_alone and len(checks) == 2:
        return ContactCount(min(len(ids), MAX_COUNTED), is_whole)
    number = 0
    for start in range(0, len(ids), BATCH):
        some = select(func.count()).where(Contact.id.in_(ids[start : start + BATCH]), *checks)
        number += session.scalar(some) or 0
    return ContactCount(number, is_whole)


def _page(session: Session, conditions: list[ColumnElement[bool]], below: int, limit: int) -> ContactPage:
    query = select(Contact).where(Contact.id < below, *conditions).order_by(Contact.id.desc()).limit(limit + 1)
    found = session.scalars(query).all()
    return ContactPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


def _page_by_windows(session: Session, checks: list[ColumnElement[bool]], below: int, limit: int) -> ContactPage:
    """Looks through a bounded number of contacts; a page that is not full may still have a next one."""
    found: list[Contact] = []
    for _ in range(MAX_WINDOWS):
        window = Contact.id >= below - WINDOW
        page = _page(session, [*checks, window], below, limit - len(found))
        found += page.contacts
        if page.next_after_id is not None:
            return ContactPage(found, page.next_after_id)
        below -= WINDOW
        if below <= 1:
            return ContactPage(found, None)
        if len(found) >= limit:
            break
    return ContactPage(found, below)


def _count_all(session: Session) -> ContactCount:
    if not is_sqlite(session):
        about = session.scalar(sql("SELECT reltuples::bigint FROM pg_class WHERE oid = 'contact'::regclass")) or 0
        if about > MAX_COUNTED:
            return ContactCount(about, is_exact=False)
    # Three counts over indexes: one with both conditions would read every row.
    everybody = select(func.count()).select_from(Contact)
    gone = session.scalar(everybody.where(Contact.merged_into_id.is_not(None))) or 0
    gone += session.scalar(everybody.where(Contact.consent == Consent.REDACTED)) or 0
    return ContactCount((session.scalar(everybody) or 0) - gone, is_exact=True)
