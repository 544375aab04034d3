"""Parses a campaign's audience, which includes and excludes tags, lists, segments and contacts, and compiles it to SQL.

`{"include": [{"tag": "vip"}, {"tag": "city", "value": "Madrid"}, {"list": "…"}, {"segment": "…"}, {"contact": "+34…"}],
"exclude": […]}`. Names are looked up when the audience is parsed, segments are evaluated when its SQL runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import FromClause

from models.contacts.lookup import find_contacts, no_contact
from models.contacts.person_key import person_key
from models.contacts.phone import NotAPhoneError, Phone, read_phone
from models.contacts.tag_names import find_tag_ids
from models.db.functions import Probe
from models.errors import OperatorError
from models.segments.compile import compile_rule
from models.segments.operators import MAX_NAME, MAX_TEXT, RuleError
from models.segments.rule import SegmentRule, parse_rule
from models.segments.values import is_storable
from models.tables.segment import Segment
from models.tables.tag import ContactList, ContactTag, ListMember, Tag

MAX_ITEMS = 200
MAX_CONTACTS = 2000
MAX_SIZE = 5000
"""Values of both sides together, with those of their segments: SQLite takes 32,766 in a statement, and each occurs several
times."""
KINDS = ("tag", "list", "segment", "contact")


class AudienceError(OperatorError):
    """The audience is invalid; the message says which item and why."""


@dataclass(frozen=True, slots=True)
class TagItem:
    """Contacts with the tag; with a `value`, those whose tag has this value."""

    tag_id: int
    value: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """The included or the excluded contacts: those that match any of these."""

    tags: tuple[TagItem, ...] = ()
    list_ids: tuple[int, ...] = ()
    rules: tuple[SegmentRule, ...] = ()
    contact_ids: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tags or self.list_ids or self.rules or self.contact_ids)

    @property
    def is_tags_alone(self) -> bool:
        """Whether every contact that matches has a tag."""
        return bool(self.tags) and not (self.list_ids or self.rules or self.contact_ids)

    @property
    def size(self) -> int:
        """Number of values that its SQL compares with."""
        single = len(self.tags) + len(self.list_ids) + len(self.contact_ids)
        return single + sum(rule.size for rule in self.rules)

    @property
    def is_contacts_alone(self) -> bool:
        """Whether it has single contacts and nothing else."""
        return bool(self.contact_ids) and not (self.tags or self.list_ids or self.rules)

    def matches(self, contact: FromClause, now: datetime) -> ColumnElement[bool]:
        """Return the condition that a row of `contact` (the contact table or an alias of it) matches."""
        conditions = [_has_tag(item, contact) for item in self.tags]
        if self.list_ids:
            member = ListMember.__table__.alias()
            in_lists = member.c.list_id.in_(self.list_ids)
            conditions.append(Probe().where(member.c.contact_id == contact.c.id, in_lists))
        if self.contact_ids:
            conditions.append(contact.c.id.in_(self.contact_ids))
        conditions += [compile_rule(rule, now, contact) for rule in self.rules]
        return or_(false(), *conditions)


@dataclass(frozen=True, slots=True)
class Audience:
    """The included and the excluded side. Exclude always wins, for all records of a person."""

    include: Side
    exclude: Side


def parse_audience(session: Session, data: Any) -> Audience:
    """Parse the public form. Raises AudienceError if an item is invalid or names something that does not exist."""
    if not isinstance(data, Mapping):
        raise AudienceError("audience: must be an object with include and exclude")
    extra = set(data) - {"include", "exclude"}
    if extra:
        raise AudienceError(
            "audience: {extra!r} is not known; allowed are include and exclude", extra=sorted(map(str, extra))[0]
        )
    include = _side(session, "include", data.get("include") or [])
    if not include:
        raise AudienceError("audience.include: it names nobody; give at least one tag, list, segment or contact")
    audience = Audience(include, _side(session, "exclude", data.get("exclude") or []))
    if include.size + audience.exclude.size > MAX_SIZE:
        raise AudienceError(
            "audience: it and its segments hold more than {max_size} values; make lists of them", max_size=MAX_SIZE
        )
    return audience


def complete_contacts(data: Mapping[str, Any], default_country: str | None) -> dict[str, Any]:
    """Return the public form with the phones of single contacts as E.164, national ones completed. Other items do not change."""
    return {
        side: [_complete(item, default_country) for item in items] if isinstance(items, list) else items
        for side, items in data.items()
    }


def without_contact(data: Mapping[str, Any], phone: str) -> dict[str, Any]:
    """Return the public form without the items for this phone (E.164), in any spelling."""
    return {
        side: [item for item in items if not _names_phone(item, phone)] if isinstance(items, list) else items
        for side, items in data.items()
    }


def _complete(item: Any, default_country: str | None) -> Any:
    phone = _phone_of(item, default_country)
    return {**item, "contact": phone} if phone else item


def _names_phone(item: Any, phone: str) -> bool:
    item_phone = _phone_of(item, None)
    return item_phone is not None and person_key(phone=item_phone) == person_key(phone=phone)


def _phone_of(item: Any, default_country: str | None) -> str | None:
    text = item.get("contact") if isinstance(item, Mapping) else None
    try:
        return read_phone(text, default_country).e164 if isinstance(text, str) else None
    except NotAPhoneError:
        return None


def _has_tag(item: TagItem, contact: FromClause) -> ColumnElement[bool]:
    tagged = aliased(ContactTag)
    condition = Probe().where(tagged.contact_id == contact.c.id, tagged.tag_id == item.tag_id)
    return condition.where(tagged.value == item.value) if item.value is not None else condition


def _side(session: Session, side: str, items: Any) -> Side:
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise AudienceError("audience.{side}: must be a list", side=side)
    items_by_kind: dict[str, list[tuple[str, str, Any]]] = {kind: [] for kind in KINDS}
    for position, item in enumerate(items):
        where = f"audience.{side}[{position}]"
        kind, name, value = _item(where, item)
        items_by_kind[kind].append((where, name, value))
    if sum(len(entries) for kind, entries in items_by_kind.items() if kind != "contact") > MAX_ITEMS:
        raise AudienceError(
            "audience.{side}: more than {max_items} tags, lists and segments", side=side, max_items=MAX_ITEMS
        )
    if len(items_by_kind["contact"]) > MAX_CONTACTS:
        raise AudienceError(
            "audience.{side}: more than {max_contacts} single contacts; make a list of them",
            side=side,
            max_contacts=MAX_CONTACTS,
        )
    tags = _ids(session, Tag, items_by_kind["tag"], "tag")
    return Side(
        tags=tuple(dict.fromkeys(TagItem(tags[name], value) for _, name, value in items_by_kind["tag"])),
        list_ids=tuple(_ids(session, ContactList, items_by_kind["list"], "list").values()),
        rules=tuple(_rule(session, where, name) for where, name, _ in items_by_kind["segment"]),
        contact_ids=_contact_ids(session, items_by_kind["contact"]),
    )


def _item(where: str, item: Any) -> tuple[str, str, str | None]:
    kinds = [kind for kind in KINDS if isinstance(item, Mapping) and kind in item]
    if len(kinds) != 1:
        raise AudienceError("{where}: must be an object with one of tag, list, segment, contact", where=where)
    kind, value = kinds[0], item.get("value")
    extra = set(item) - ({"tag", "value"} if kind == "tag" else {kind})
    if extra:
        raise AudienceError(
            "{where}: {extra!r} does not belong to a {kind}", where=where, extra=sorted(map(str, extra))[0], kind=kind
        )
    name = item[kind]
    if not isinstance(name, str) or not name.strip():
        raise AudienceError("{where}: {kind} must be text", where=where, kind=kind)
    if value is not None and not isinstance(value, str | int | float):
        raise AudienceError("{where}: value must be text", where=where)
    for field, text, max_length in ((kind, name, MAX_NAME), ("value", value, MAX_TEXT)):
        if text is not None and not is_storable(text):
            raise AudienceError("{where}: {field} holds a character that is no text", where=where, field=field)
        if isinstance(text, str) and len(text) > max_length:
            raise AudienceError(
                "{where}: {field} is longer than {most} characters", where=where, field=field, most=max_length
            )
    return kind, name.strip(), None if value is None else str(value)


def _ids(session: Session, table: Any, items: Sequence[tuple[str, str, Any]], kind: str) -> dict[str, int]:
    names = {name for _, name, _ in items}
    if table is Tag:
        ids = find_tag_ids(session, names)
    else:
        ids = {row.name: row.id for row in session.execute(select(table.name, table.id).where(table.name.in_(names)))}
    for where, name, _ in items:
        if name not in ids:
            raise AudienceError("{where}: there is no {kind} {name!r}", where=where, kind=kind, name=name)
    return ids


def _rule(session: Session, where: str, name: str) -> SegmentRule:
    data = session.scalar(select(Segment.rule).where(Segment.name == name))
    if data is None:
        raise AudienceError("{where}: there is no segment {name!r}", where=where, name=name)
    try:
        return parse_rule(session, data, inside=(name,))
    except RuleError as error:
        raise AudienceError("{where}: segment {name!r}: {error}", where=where, name=name, error=error) from error


def _contact_ids(session: Session, items: Sequence[tuple[str, str, Any]]) -> tuple[int, ...]:
    """Return the ids of the contacts with these phones, in any spelling, current or earlier; for a merged contact the one that
    it was merged into. Raises AudienceError if there is none for a phone.
    """
    phones = {}
    for where, text, _ in items:
        try:
            phone = read_phone(text, None)
        except NotAPhoneError as error:
            raise AudienceError("{where}: {error}", where=where, error=error) from None
        if phone.e164 is None:
            hint = "; or set DEFAULT_COUNTRY" if _lacks_code(phone) else ""
            raise AudienceError(
                "{where}: {text!r} must be a phone number with its calling code, such as +34600000000{hint}",
                where=where,
                text=text,
                hint=hint,
            )
        phones[phone.e164] = where
    ids_by_phone = find_contacts(session, phones)
    for phone_text, where in phones.items():
        if phone_text not in ids_by_phone:
            raise AudienceError("{where}: {error}", where=where, error=no_contact(phone_text))
    return tuple(sorted(set(ids_by_phone.values())))


def _lacks_code(phone: Phone) -> bool:
    return phone.problem == "missing_calling_code"
