"""Searches and counts contacts at a bounded cost among a million: keyset pages, newest first, never by offset.

A condition drives the query if an index returns its contacts in order, or if it has few; the other conditions are checked on
that result. If no condition can drive it (a name, a part of most numbers), bounded windows of contacts are scanned.
"""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, union
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from models.contacts.phone_search import is_part_of_phone, phone_condition
from models.contacts.tag_names import find_tag_id
from models.contacts.text_search import text_condition
from models.db.dialect import is_sqlite
from models.tables.contact import Consent, Contact
from models.tables.tag import ContactTag, ListMember

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


@dataclass(frozen=True, slots=True)
class ContactSearch:
    """The conditions, joined by AND. `phone` is a part of the number; `text` words of the name or the e-mail, or such a part.

    Case, accents and width of the text do not matter.
    """

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
    search = _read(ContactSearch(text, phone, tag, value, list_id, consent))
    below = after_id if after_id is not None else (session.scalar(select(func.max(Contact.id))) or 0) + 1
    driver, checks = _conditions(session, search, default_country)
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
    search = _read(ContactSearch(text, phone, tag, value, list_id, consent))
    if search == ContactSearch():
        return _count_all(session)
    driver, checks = _conditions(session, search, default_country)
    if driver is not None:
        return _driven_count(session, driver, checks, is_alone=search.consent is None)
    newest = session.scalar(select(func.max(Contact.id))) or 0
    is_scanned = bool(search.text or search.phone or search.tag)
    if is_scanned:
        checks.append(Contact.id > newest - WINDOW)
    capped = select(Contact.id).where(*checks).limit(MAX_COUNTED + 1).subquery()
    number = session.scalar(select(func.count()).select_from(capped)) or 0
    return ContactCount(min(number, MAX_COUNTED), number <= MAX_COUNTED and (newest <= WINDOW or not is_scanned))


def _read(search: ContactSearch) -> ContactSearch:
    """Trim the texts, without NUL, which PostgreSQL takes nowhere."""
    text, phone, tag, value = (
        part.replace("\0", "").strip() for part in (search.text, search.phone, search.tag, search.value)
    )
    return replace(search, text=text, phone=phone, tag=tag, value=value)


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


def _conditions(
    session: Session, search: ContactSearch, default_country: str | None
) -> tuple[_Driver | None, list[ColumnElement[bool]]]:
    """Return the condition that drives the query, or None, and the checks for each contact."""
    checks: list[ColumnElement[bool]] = [Contact.merged_into_id.is_(None)]
    if search.consent is None:
        checks.append(Contact.redacted_at.is_(None))
    else:
        checks.append(Contact.consent == search.consent)
    indexed = _indexed(session, search, default_country)
    usable = [driver for driver, _ in indexed if driver.is_usable]
    chosen = min(usable, key=lambda driver: driver.rank, default=None)
    checks += [check for driver, check in indexed if driver is not chosen]
    return chosen, checks


def _indexed(
    session: Session, search: ContactSearch, default_country: str | None
) -> list[tuple[_Driver, ColumnElement[bool]]]:
    """Each condition with an index, as a driver and as a check of one contact."""
    indexed: list[tuple[_Driver, ColumnElement[bool]]] = []
    if search.phone:
        ids, check = phone_condition(session, search.phone, default_country, BATCH)
        indexed.append((_Driver(session, ids, Contact.id, in_order=False), check))
    if search.text:
        ids, check = _text(session, search.text, default_country)
        indexed.append((_Driver(session, ids, Contact.id, in_order=False), check))
    if search.tag:
        indexed.append(_tagged(session, search))
    if search.list_id is not None:
        on_list = ListMember.list_id == search.list_id
        ids = select(ListMember.contact_id).where(on_list)
        check = exists().where(ListMember.contact_id == Contact.id, on_list)
        indexed.append((_Driver(session, ids, ListMember.contact_id, in_order=True), check))
    return indexed


def _text(session: Session, text: str, default_country: str | None) -> tuple[Select[Any], ColumnElement[bool]]:
    """A part of a number is looked for in numbers; digits alone, which a name or an e-mail address may have, there too."""
    if not is_part_of_phone(text):
        return text_condition(text)
    of_phone, has_phone = phone_condition(session, text, default_country, BATCH)
    if not text.isdigit() or text.startswith("00"):
        return of_phone, has_phone
    of_text, has_text = text_condition(text)
    ids = union(of_phone, of_text).subquery()
    return select(ids.c.id), or_(has_phone, has_text)


def _tagged(session: Session, search: ContactSearch) -> tuple[_Driver, ColumnElement[bool]]:
    """The index returns contacts in order for one value: that of the search, or NULL if no contact has a value."""
    tag_id = find_tag_id(session, search.tag) or 0
    carries = ContactTag.tag_id == tag_id
    if search.value:
        carries = and_(carries, ContactTag.value == search.value)
    has_values = select(ContactTag.contact_id).where(carries, ContactTag.value.is_not(None)).limit(1)
    is_label = not search.value and session.execute(has_values).first() is None
    ids = select(ContactTag.contact_id).where(carries, *([ContactTag.value.is_(None)] if is_label else []))
    check = exists().where(ContactTag.contact_id == Contact.id, carries)
    return _Driver(session, ids, ContactTag.contact_id, in_order=bool(search.value) or is_label), check


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
    """Merged and redacted contacts have no names, tags, lists or phone: the ids of a single condition need no further check."""
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
