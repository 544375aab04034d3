"""Whom a campaign is for: what it includes and what it excludes, as the public file says it.

`{"include": [{"tag": "vip"}, {"tag": "city", "value": "Madrid"}, {"list": "…"}, {"segment": "…"}, {"contact": "+34…"}],
"exclude": […]}`. Names are looked up when the audience is parsed, segments are evaluated when its SQL runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import FromClause

from models.contacts.aliases import aliased_contacts
from models.contacts.phone import NotAPhoneError, Phone, person_key, read_phone
from models.db.functions import Probe
from models.errors import OperatorError
from models.segments.compile import compile_rule
from models.segments.operators import MAX_NAME, MAX_TEXT, RuleError
from models.segments.rule import SegmentRule, parse_rule
from models.segments.values import is_storable
from models.tables.contact import Contact
from models.tables.segment import Segment
from models.tables.tag import ContactList, ContactTag, ListMember, Tag

MAX_ITEMS = 200
MAX_CONTACTS = 2000
MAX_SIZE = 5000
"""Values that both sides may compare with in all, those in segments too: SQLite takes 32,766 in a statement, and each is
there several times."""
KINDS = ("tag", "list", "segment", "contact")


class AudienceError(OperatorError):
    """The audience cannot be read; the message says which item and why."""


@dataclass(frozen=True, slots=True)
class TagItem:
    """Everybody with the tag; with a value, those for whom it has this one."""

    tag_id: int
    value: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """The included or the excluded: whoever any of these names."""

    tags: tuple[TagItem, ...] = ()
    list_ids: tuple[int, ...] = ()
    rules: tuple[SegmentRule, ...] = ()
    contact_ids: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tags or self.list_ids or self.rules or self.contact_ids)

    @property
    def is_tags_alone(self) -> bool:
        """Whoever it names carries a tag."""
        return bool(self.tags) and not (self.list_ids or self.rules or self.contact_ids)

    @property
    def size(self) -> int:
        """How many values its statement compares with."""
        single = len(self.tags) + len(self.list_ids) + len(self.contact_ids)
        return single + sum(rule.size for rule in self.rules)

    @property
    def is_contacts_alone(self) -> bool:
        """It names nobody but single contacts."""
        return bool(self.contact_ids) and not (self.tags or self.list_ids or self.rules)

    def matches(self, contact: FromClause, now: datetime) -> ColumnElement[bool]:
        """Whether the side names this row of `contact` (the contact table or an alias of it)."""
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
    """Who may be in and who must stay out: out always wins, and by person."""

    include: Side
    exclude: Side


def parse_audience(session: Session, data: Any) -> Audience:
    """Read the public form. AudienceError where an item has the wrong form or names what does not exist."""
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
    """The public form with the numbers of single contacts as E.164, national ones completed; what is none stays as it is."""
    return {
        side: [_completed(item, default_country) for item in items] if isinstance(items, list) else items
        for side, items in data.items()
    }


def without_contact(data: Mapping[str, Any], phone: str) -> dict[str, Any]:
    """The public form without the items that name this phone (E.164), however they are spelled."""
    return {
        side: [item for item in items if not _names_phone(item, phone)] if isinstance(items, list) else items
        for side, items in data.items()
    }


def _completed(item: Any, default_country: str | None) -> Any:
    phone = _phone_of(item, default_country)
    return {**item, "contact": phone} if phone else item


def _names_phone(item: Any, phone: str) -> bool:
    given = _phone_of(item, None)
    return given is not None and person_key(phone=given) == person_key(phone=phone)


def _phone_of(item: Any, default_country: str | None) -> str | None:
    given = item.get("contact") if isinstance(item, Mapping) else None
    try:
        return read_phone(given, default_country).e164 if isinstance(given, str) else None
    except NotAPhoneError:
        return None


def candidates_select(audience: Audience, now: datetime) -> Select[int]:
    """The ids of those whom the audience includes, each once; whom it excludes are among them, to be counted as such."""
    contact = Contact.__table__
    return select(contact.c.id).where(contact.c.merged_into_id.is_(None), audience.include.matches(contact, now))


def _has_tag(item: TagItem, contact: FromClause) -> ColumnElement[bool]:
    tagged = aliased(ContactTag)
    condition = Probe().where(tagged.contact_id == contact.c.id, tagged.tag_id == item.tag_id)
    return condition.where(tagged.value == item.value) if item.value is not None else condition


def _side(session: Session, side: str, items: Any) -> Side:
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise AudienceError("audience.{side}: must be a list", side=side)
    given: dict[str, list[tuple[str, str, Any]]] = {kind: [] for kind in KINDS}
    for position, item in enumerate(items):
        where = f"audience.{side}[{position}]"
        kind, name, value = _item(where, item)
        given[kind].append((where, name, value))
    if sum(len(found) for kind, found in given.items() if kind != "contact") > MAX_ITEMS:
        raise AudienceError(
            "audience.{side}: more than {max_items} tags, lists and segments", side=side, max_items=MAX_ITEMS
        )
    if len(given["contact"]) > MAX_CONTACTS:
        raise AudienceError(
            "audience.{side}: more than {max_contacts} single contacts; make a list of them",
            side=side,
            max_contacts=MAX_CONTACTS,
        )
    tags = _ids(session, Tag, given["tag"], "tag")
    return Side(
        tags=tuple(dict.fromkeys(TagItem(tags[name], value) for _, name, value in given["tag"])),
        list_ids=tuple(_ids(session, ContactList, given["list"], "list").values()),
        rules=tuple(_rule(session, where, name) for where, name, _ in given["segment"]),
        contact_ids=_contact_ids(session, given["contact"]),
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
    for field, given, most in ((kind, name, MAX_NAME), ("value", value, MAX_TEXT)):
        if given is not None and not is_storable(given):
            raise AudienceError("{where}: {field} holds a character that is no text", where=where, field=field)
        if isinstance(given, str) and len(given) > most:
            raise AudienceError(
                "{where}: {field} is longer than {most} characters", where=where, field=field, most=most
            )
    return kind, name.strip(), None if value is None else str(value)


def _ids(session: Session, table: Any, given: Sequence[tuple[str, str, Any]], kind: str) -> dict[str, int]:
    names = {name for _, name, _ in given}
    found = {row.name: row.id for row in session.execute(select(table.name, table.id).where(table.name.in_(names)))}
    for where, name, _ in given:
        if name not in found:
            raise AudienceError("{where}: there is no {kind} {name!r}", where=where, kind=kind, name=name)
    return found


def _rule(session: Session, where: str, name: str) -> SegmentRule:
    data = session.scalar(select(Segment.rule).where(Segment.name == name))
    if data is None:
        raise AudienceError("{where}: there is no segment {name!r}", where=where, name=name)
    try:
        return parse_rule(session, data, inside=(name,))
    except RuleError as error:
        raise AudienceError("{where}: segment {name!r}: {error}", where=where, name=name, error=error) from error


def _contact_ids(session: Session, given: Sequence[tuple[str, str, Any]]) -> tuple[int, ...]:
    """The contacts with these phones, in any of their spellings, now or before; of a record that was merged, the one that
    survived.
    """
    phones = {}
    for where, text, _ in given:
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
    found = _ids_by(session, Contact.phone, phones)
    others = {person_key(phone=phone): phone for phone in phones if phone not in found}
    found |= {others[key]: contact_id for key, contact_id in _ids_by(session, Contact.person_key, others).items()}
    former = {key: phone for key, phone in others.items() if phone not in found}
    found |= {former[key]: contact_id for key, contact_id in aliased_contacts(session, former).items()}
    for phone_text, where in phones.items():
        if phone_text not in found:
            raise AudienceError("{where}: there is no contact {phone_text}", where=where, phone_text=phone_text)
    return tuple(sorted(set(found.values())))


def _lacks_code(phone: Phone) -> bool:
    return phone.problem == "missing_calling_code"


def _ids_by(session: Session, column: Any, values: Iterable[str]) -> dict[str, int]:
    """Contacts by what `column` holds; the oldest where several do."""
    wanted = list(values)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 1000):
        some = column.in_(wanted[start : start + 1000])
        rows = session.execute(
            select(column, Contact.id, Contact.merged_into_id).where(some).order_by(Contact.id.desc())
        )
        found |= {str(value): merged_into_id or contact_id for value, contact_id, merged_into_id in rows}
    return found
