"""Searches and counts contacts at a bounded cost among a million: keyset pages, newest first, never by offset.

A condition drives the query if an index returns its contacts in order, or if it has few; the other conditions are checked on
that result. If no condition can drive it (a name, the beginning of most numbers), bounded windows of contacts are scanned.
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
"""A condition drives the query if it has at most this many contacts, in any order."""
BATCH = 500
MAX_BATCHES = 100
"""Batches of ids read for one page."""
MAX_COUNTED = 10_000
"""The count of a filtered list stops at this number."""
WINDOW = 100_000
"""Width of a window, in ids; a page scans at most MAX_WINDOWS of them."""
MAX_WINDOWS = 4

_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{3,}")


@dataclass(frozen=True, slots=True)
class ContactSearch:
    """The conditions, joined by AND. `phone` is a prefix; `text` matches anywhere in the name or the e-mail."""

    text: str = ""
    phone: str = ""
    tag: str = ""
    value: str = ""
    list_id: int | None = None
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Contacts, newest first. The next page begins after `next_after_id`; None means that this is the last page."""

    contacts: Sequence[Contact]
    next_after_id: int | None


@dataclass(frozen=True, slots=True)
class ContactCount:
    """The number of matches; a lower bound or an estimate if `is_exact` is False."""

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
    """Return one page. A `text` that looks like a number counts as a phone; `value` is the value of `tag`.

    A page may have fewer than `limit` contacts and still have a next one.
    """
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
    """Count the matches at a bounded cost: exactly up to MAX_COUNTED, roughly beyond."""
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
    capped = select(Contact.id).where(*checks).limit(MAX_COUNTED + 1).subquery()
    number = session.scalar(select(func.count()).select_from(capped)) or 0
    return ContactCount(min(number, MAX_COUNTED), number <= MAX_COUNTED and (newest <= WINDOW or not is_scanned))


def _read(search: ContactSearch, default_country: str | None) -> ContactSearch:
    """Trim the texts, take a number in the free text as a phone, and complete a national number."""
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
    """Returns ids in descending order, from an index in that order or from a set small enough to fetch and sort."""

    def __init__(self, session: Session, ids: Select[Any], column: Any, *, in_order: bool) -> None:
        self._session, self._ids, self._column = session, ids, column
        self._fetched: list[int] | None = None
        if not in_order:
            self._fetched = sorted(session.scalars(ids.limit(FEW + 1)), reverse=True)
        self.is_usable = self._fetched is None or len(self._fetched) <= FEW
        self.rank = FEW if self._fetched is None else len(self._fetched)

    def below(self, last: int, size: int) -> list[int]:
        """The next `size` ids below `last`."""
        if self._fetched is None:
            query = self._ids.where(self._column < last).order_by(self._column.desc()).limit(size)
            return list(self._session.scalars(query))
        start = bisect_right(self._fetched, -last, key=lambda key: -key)
        return self._fetched[start : start + size]


def _conditions(session: Session, search: ContactSearch) -> tuple[_Driver | None, list[ColumnElement[bool]]]:
    """Return the condition that drives the query, or None, and the checks for each contact."""
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
    """Each condition with an index, as a driver and as a check of one contact."""
    indexed: list[tuple[_Driver, ColumnElement[bool]]] = []
    if search.phone:
        starts = _phone_starts(session, search.phone)
        indexed.append((_Driver(session, select(Contact.id).where(starts), Contact.id, in_order=False), starts))
    if search.tag:
        indexed.append(_tagged(session, search))
    if search.list_id is not None:
        on_list = ListMember.list_id == search.list_id
        ids = select(ListMember.contact_id).where(on_list)
        check = exists().where(ListMember.contact_id == Contact.id, on_list)
        indexed.append((_Driver(session, ids, ListMember.contact_id, in_order=True), check))
    return indexed


def _tagged(session: Session, search: ContactSearch) -> tuple[_Driver, ColumnElement[bool]]:
    """The index returns contacts in order for one value: that of the search, or NULL if no contact has a value."""
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
    """Ranges, which can use an index under any collation since numbers are digits. Few contacts have an earlier number."""
    digits = re.sub(r"[^0-9]", "", phone)
    if not digits:
        return Contact.id < 0
    columns = ((Contact.phone, "+"), (Contact.wa_id, ""), (Contact.raw_phone, ""))
    alias_ranges = or_(*(_in_range(ContactAlias.key, sign, digits) for sign in (WA, RAW)))
    alias_ids = session.scalars(select(ContactAlias.contact_id).where(alias_ranges).limit(BATCH)).all()
    current = or_(*(_in_range(column, sign, digits) for column, sign in columns))
    return or_(current, Contact.id.in_(alias_ids)) if alias_ids else current


def _in_range(column: Any, sign: str, digits: str) -> ColumnElement[bool]:
    head = digits.rstrip("9")
    begins = column >= sign + digits
    return and_(begins, column < f"{sign}{head[:-1]}{int(head[-1]) + 1}") if head else begins


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _driven_page(
    session: Session, driver: _Driver, checks: list[ColumnElement[bool]], below: int, limit: int
) -> ContactPage:
    contacts: list[Contact] = []
    for _ in range(MAX_BATCHES):
        ids = driver.below(below, BATCH)
        if not ids:
            return ContactPage(contacts, None)
        query = select(Contact).where(Contact.id.in_(ids), *checks).order_by(Contact.id.desc())
        contacts += session.scalars(query.limit(limit + 1 - len(contacts)))
        if len(contacts) > limit:
            return ContactPage(contacts[:limit], contacts[limit - 1].id)
        below = ids[-1]
    return ContactPage(contacts, below)


def _driven_count(
    session: Session, driver: _Driver, checks: list[ColumnElement[bool]], *, is_alone: bool
) -> ContactCount:
    """Merged and redacted contacts have no tags, lists or phone, so the ids of a single condition need no further check."""
    ids = driver.below(sys.maxsize, MAX_COUNTED + 1)
    is_whole = len(ids) <= MAX_COUNTED
    if is_alone and len(checks) == 2:
        return ContactCount(min(len(ids), MAX_COUNTED), is_whole)
    number = 0
    for start in range(0, len(ids), BATCH):
        query = select(func.count()).where(Contact.id.in_(ids[start : start + BATCH]), *checks)
        number += session.scalar(query) or 0
    return ContactCount(number, is_whole)


def _page(session: Session, conditions: list[ColumnElement[bool]], below: int, limit: int) -> ContactPage:
    query = select(Contact).where(Contact.id < below, *conditions).order_by(Contact.id.desc()).limit(limit + 1)
    contacts = session.scalars(query).all()
    return ContactPage(contacts[:limit], contacts[limit - 1].id if len(contacts) > limit else None)


def _page_by_windows(session: Session, checks: list[ColumnElement[bool]], below: int, limit: int) -> ContactPage:
    """Scan a bounded number of contacts; a page that is not full may still have a next one."""
    contacts: list[Contact] = []
    for _ in range(MAX_WINDOWS):
        window = Contact.id >= below - WINDOW
        page = _page(session, [*checks, window], below, limit - len(contacts))
        contacts += page.contacts
        if page.next_after_id is not None:
            return ContactPage(contacts, page.next_after_id)
        below -= WINDOW
        if below <= 1:
            return ContactPage(contacts, None)
        if len(contacts) >= limit:
            break
    return ContactPage(contacts, below)


def _count_all(session: Session) -> ContactCount:
    if not is_sqlite(session):
        estimate = session.scalar(sql("SELECT reltuples::bigint FROM pg_class WHERE oid = 'contact'::regclass")) or 0
        if estimate > MAX_COUNTED:
            return ContactCount(estimate, is_exact=False)
    # Three counts over indexes: one with both conditions would read every row.
    all_contacts = select(func.count()).select_from(Contact)
    hidden = session.scalar(all_contacts.where(Contact.merged_into_id.is_not(None))) or 0
    hidden += session.scalar(all_contacts.where(Contact.consent == Consent.REDACTED)) or 0
    return ContactCount((session.scalar(all_contacts) or 0) - hidden, is_exact=True)
