"""Finding contacts among a million: pages by key, newest first, never by offset.

A condition that an index answers with few contacts is asked first, and its answer drives the query; what matches many is
checked along the primary key, where a page is full soon. Names are looked through in windows of bounded size.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from models.contact import Consent, Contact
from models.dialect import is_sqlite
from models.phone import NotAPhone, read_phone
from models.tag import ContactTag, ListMember, Tag

PAGE = 50
FEW = 2000
"""What an index answers with at most so many ids drives the query."""
MOST_COUNTED = 10_000
"""A count of a filtered list stops here."""
WINDOW = 100_000
"""Ids looked through for a name at a time, and at most so many windows a page."""
MOST_WINDOWS = 4

_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{3,}")


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for; every part narrows. `phone` is a beginning; `text` stands anywhere in the name or the e-mail."""

    text: str = ""
    phone: str = ""
    tag: str = ""
    value: str = ""
    list_id: int | None = None
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Contacts, newest first. The next page begins after `next_after_id`; None says that there is no more."""

    contacts: Sequence[Contact]
    next_after_id: int | None


@dataclass(frozen=True, slots=True)
class Count:
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
) -> Page:
    """One page. A `text` that is written like a number is taken as a phone; `value` narrows `tag`."""
    search = _read(Search(text, phone, tag, value, list_id, consent), default_country)
    driving, checks = _conditions(session, search)
    below = after_id if after_id is not None else (session.scalar(select(func.max(Contact.id))) or 0) + 1
    if driving is not None or not search.text:
        return _page(session, [*checks, *([Contact.id.in_(driving)] if driving is not None else [])], below, limit)
    return _page_by_windows(session, checks, below, limit)


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
) -> Count:
    """How many match, at a bounded cost: exact up to MOST_COUNTED, beyond that not."""
    search = _read(Search(text, phone, tag, value, list_id, consent), default_country)
    if search == Search():
        return _count_all(session)
    driving, checks = _conditions(session, search)
    conditions = [*checks, *([Contact.id.in_(driving)] if driving is not None else [])]
    is_whole = True
    if driving is None and search.text:
        newest = session.scalar(select(func.max(Contact.id))) or 0
        conditions.append(Contact.id > newest - WINDOW)
        is_whole = newest <= WINDOW
    some = select(Contact.id).where(*conditions).limit(MOST_COUNTED + 1).subquery()
    number = session.scalar(select(func.count()).select_from(some)) or 0
    return Count(min(number, MOST_COUNTED), is_exact=is_whole and number <= MOST_COUNTED)


def _read(search: Search, default_country: str | None) -> Search:
    """Trimmed; a number in the free text is a phone, and a national one is completed."""
    search = replace(
        search, text=search.text.strip(), phone=search.phone.strip(), tag=search.tag.strip(), value=search.value.strip()
    )
    if search.text and not search.phone and _NUMBER.fullmatch(search.text):
        search = replace(search, text="", phone=search.text)
    if search.phone and not search.phone.startswith("+") and default_country:
        try:
            whole = read_phone(search.phone, default_country).e164
        except NotAPhone:
            whole = None
        search = replace(search, phone=whole or search.phone)
    return search


def _conditions(session: Session, search: Search) -> tuple[list[int] | None, list[ColumnElement[bool]]]:
    """The few ids that drive the query, if there are such, and what is checked on each contact."""
    checks: list[ColumnElement[bool]] = [Contact.merged_into_id.is_(None)]
    if search.consent is None:
        checks.append(Contact.redacted_at.is_(None))
    driving: list[int] | None = None
    for ids, check in _indexed(session, search):
        few = session.scalars(ids.limit(FEW + 1)).all()
        if len(few) <= FEW and (driving is None or len(few) < len(driving)):
            driving = list(few)
        checks.append(check)
    if search.consent is not None:
        checks.append(Contact.consent == search.consent)
    if search.text:
        pattern = f"%{_escaped(search.text)}%"
        checks.append(or_(Contact.name.ilike(pattern, escape="\\"), Contact.email.ilike(pattern, escape="\\")))
    return driving, checks


def _indexed(session: Session, search: Search) -> list[tuple[Select[Any], ColumnElement[bool]]]:
    """Each condition that an index answers: the query for its ids, and the same as a check of one contact."""
    found: list[tuple[Select[Any], ColumnElement[bool]]] = []
    if search.phone:
        starts = _phone_starts(search.phone)
        found.append((select(Contact.id).where(starts), starts))
    if search.tag:
        tag_id = session.scalar(select(Tag.id).where(Tag.name == search.tag)) or 0
        tagged = and_(ContactTag.tag_id == tag_id, *([ContactTag.value == search.value] if search.value else []))
        check = exists().where(ContactTag.contact_id == Contact.id, tagged)
        found.append((select(ContactTag.contact_id).where(tagged), check))
    if search.list_id is not None:
        on_list = ListMember.list_id == search.list_id
        check = exists().where(ListMember.contact_id == Contact.id, on_list)
        found.append((select(ListMember.contact_id).where(on_list), check))
    return found


def _phone_starts(phone: str) -> ColumnElement[bool]:
    """Ranges, which an index answers under any collation: numbers are digits."""
    digits = re.sub(r"[^0-9]", "", phone)
    if not digits:
        return Contact.id < 0
    columns = ((Contact.phone, "+"), (Contact.wa_id, ""), (Contact.raw_phone, ""))
    return or_(*(_in_range(column, sign, digits) for column, sign in columns))


def _in_range(column: Any, sign: str, digits: str) -> ColumnElement[bool]:
    head = digits.rstrip("9")
    begins = column >= sign + digits
    return and_(begins, column < f"{sign}{head[:-1]}{int(head[-1]) + 1}") if head else begins


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _page(session: Session, conditions: list[ColumnElement[bool]], below: int, limit: int) -> Page:
    query = select(Contact).where(Contact.id < below, *conditions).order_by(Contact.id.desc()).limit(limit + 1)
    found = session.scalars(query).all()
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def _page_by_windows(session: Session, checks: list[ColumnElement[bool]], below: int, limit: int) -> Page:
    """Looks through a bounded number of contacts; a page that is not full may still have a next one."""
    found: list[Contact] = []
    for _ in range(MOST_WINDOWS):
        window = Contact.id >= below - WINDOW
        page = _page(session, [*checks, window], below, limit - len(found))
        found += page.contacts
        if page.next_after_id is not None:
            return Page(found, page.next_after_id)
        below -= WINDOW
        if below <= 1:
            return Page(found, None)
        if len(found) >= limit:
            break
    return Page(found, below)


def _count_all(session: Session) -> Count:
    if not is_sqlite(session):
        about = session.scalar(sql("SELECT reltuples::bigint FROM pg_class WHERE oid = 'contact'::regclass")) or 0
        if about > MOST_COUNTED:
            return Count(about, is_exact=False)
    # Three counts over indexes: one with both conditions would read every row.
    everybody = select(func.count()).select_from(Contact)
    gone = session.scalar(everybody.where(Contact.merged_into_id.is_not(None))) or 0
    gone += session.scalar(everybody.where(Contact.consent == Consent.REDACTED)) or 0
    return Count((session.scalar(everybody) or 0) - gone, is_exact=True)
