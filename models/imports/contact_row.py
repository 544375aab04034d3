"""A row of a contacts file: what its columns mean, and what one row says of one person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.contacts.field_values import (
    PROFILE_FIELDS,
    RESERVED_COLUMNS,
    FieldValueError,
    Value,
    read_name,
    read_profile_value,
    read_value,
)
from models.contacts.lookup import WrittenPhone
from models.contacts.phone import read_phone
from models.contacts.tagging import read_tag_value
from models.tables.contact import Consent
from models.tables.tag import AttributeType

IMPORTABLE = tuple(consent.value for consent in Consent if consent is not Consent.REDACTED)
MAX_TAGS = 100
MAX_SOURCE = 200


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each thing stands: positions by name. What is neither known nor a field of a contact is an attribute."""

    width: int
    places: Mapping[str, int]
    fields: Mapping[str, int]
    attributes: Mapping[str, int]
    types: Mapping[str, AttributeType] = field(default_factory=dict)
    source: str = ""
    """Where the people agreed, for rows that do not say it themselves."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What one row says. Empty cells say nothing."""

    line: int
    e164: str | None
    stored: str
    """The number as it is stored where no E.164 could be made of it."""
    given: str
    """The digits as they were given: the record of an earlier file may be known by them."""
    problem: str | None
    country: str | None
    key: str
    """The person_key; `raw:<digits>` where the number is none that can be called."""
    fields: dict[str, str]
    attributes: dict[str, Value]
    tags: dict[str, str | None]
    consent: str | None
    source: str


def read_columns(header: Sequence[str]) -> Columns:
    """The meaning of a header. BadValue where the phone is missing or a column's name can be no attribute's."""
    places, fields, attributes = {}, {}, {}
    for position, name in enumerate(header):
        known = name.strip().lower()
        if known in RESERVED_COLUMNS:
            places[known] = position
        elif known in PROFILE_FIELDS:
            fields[known] = position
        elif known:
            attributes[read_name(name, "the column")] = position
    if "phone" not in places:
        raise FieldValueError("there is no column 'phone'")
    return Columns(len(header), places, fields, attributes)


def read_row(line: int, cells: Sequence[str], columns: Columns, default_country: str | None) -> ImportRow:
    """What the row says. ValueError with one sentence where it cannot be taken."""
    if len(cells) > columns.width and any(cell.strip() for cell in cells[columns.width :]):
        raise FieldValueError(
            "has {count} cells; the header names {width} columns", count=len(cells), width=columns.width
        )
    given = _cell(cells, columns.places, "phone")
    if not given:
        raise FieldValueError("the phone is missing")
    phone = read_phone(given, default_country)
    sought = WrittenPhone.of(phone)
    consent, source = _consent(cells, columns)
    return ImportRow(
        line=line,
        e164=phone.e164,
        stored=phone.stored,
        given=sought.given,
        problem=phone.problem,
        country=phone.country,
        key=sought.key,
        fields=_fields(cells, columns),
        attributes=_attributes(cells, columns),
        tags=read_tags(_cell(cells, columns.places, "tags")),
        consent=consent,
        source=source,
    )


def read_tags(text: str) -> dict[str, str | None]:
    """`vip;city=Madrid` as names with their values."""
    tags: dict[str, str | None] = {}
    for part in text.split(";"):
        if part.strip():
            name, equals, value = part.partition("=")
            tags[read_name(name, "a tag")] = read_tag_value(value) if equals else None
    if len(tags) > MAX_TAGS:
        raise FieldValueError("has {count} tags; at most {max_tags} are allowed", count=len(tags), max_tags=MAX_TAGS)
    return tags


def combine_rows(rows: Sequence[ImportRow]) -> ImportRow:
    """The rows of one person as one: later cells win, but who is unsubscribed in any of them is unsubscribed."""
    folded = rows[0]
    for row in rows[1:]:
        left = Consent.UNSUBSCRIBED.value in (folded.consent, row.consent)
        said = row if row.consent and not (left and row.consent != Consent.UNSUBSCRIBED.value) else folded
        known = {name: value for name, value in row.tags.items() if value is not None or name not in folded.tags}
        folded = replace(
            folded,
            fields=folded.fields | row.fields,
            attributes=folded.attributes | row.attributes,
            tags=folded.tags | known,
            consent=said.consent,
            source=said.source,
        )
    return folded


def _cell(cells: Sequence[str], places: Mapping[str, int], name: str) -> str:
    position = places.get(name)
    return cells[position].strip() if position is not None and position < len(cells) else ""


def _consent(cells: Sequence[str], columns: Columns) -> tuple[str | None, str]:
    word = _cell(cells, columns.places, "consent").lower()
    source = _cell(cells, columns.places, "consent_source") or (columns.source if word else "")
    if word and word not in IMPORTABLE:
        raise FieldValueError("consent {word!r} is not one of {allowed}", word=word[:40], allowed=", ".join(IMPORTABLE))
    if word == Consent.SUBSCRIBED.value and not source:
        raise FieldValueError("consent 'subscribed' needs a consent_source: where and how the person agreed")
    if len(source) > MAX_SOURCE:
        raise FieldValueError(
            "consent_source is {count} characters long; at most {max_source} are allowed",
            count=len(source),
            max_source=MAX_SOURCE,
        )
    return word or None, source


def _fields(cells: Sequence[str], columns: Columns) -> dict[str, str]:
    found = {name: _cell(cells, columns.fields, name) for name in columns.fields}
    return {name: read_profile_value(name, text) for name, text in found.items() if text}


def _attributes(cells: Sequence[str], columns: Columns) -> dict[str, Value]:
    found = {name: _cell(cells, columns.attributes, name) for name in columns.attributes}
    types = columns.types
    return {name: read_value(types.get(name, AttributeType.TEXT), text, name) for name, text in found.items() if text}
