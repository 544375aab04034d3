"""Reads the header and the rows of a contacts file, and combines the rows of one person."""

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
    """Column positions by name: reserved columns, profile fields, and attributes (every other name)."""

    width: int
    places: Mapping[str, int]
    fields: Mapping[str, int]
    attributes: Mapping[str, int]
    types: Mapping[str, AttributeType] = field(default_factory=dict)
    source: str = ""
    """The source of consent for rows without one."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """The values of one row; empty cells are left out."""

    line: int
    e164: str | None
    stored: str
    """The number as it is stored if it has no E.164 form."""
    given: str
    """The digits as the file has them: a contact of an earlier import may be stored under them."""
    problem: str | None
    country: str | None
    key: str
    """The person_key; `raw:<digits>` if the number has no E.164 form."""
    fields: dict[str, str]
    attributes: dict[str, Value]
    tags: dict[str, str | None]
    consent: str | None
    source: str


def read_columns(header: Sequence[str]) -> Columns:
    """Read a header. Raises FieldValueError if there is no phone column, or if a name is not allowed for an attribute."""
    places, fields, attributes = {}, {}, {}
    for position, name in enumerate(header):
        column = name.strip().lower()
        if column in RESERVED_COLUMNS:
            places[column] = position
        elif column in PROFILE_FIELDS:
            fields[column] = position
        elif column:
            attributes[read_name(name, "the column")] = position
    if "phone" not in places:
        raise FieldValueError("there is no column 'phone'")
    return Columns(len(header), places, fields, attributes)


def read_row(line: int, cells: Sequence[str], columns: Columns, default_country: str | None) -> ImportRow:
    """Read a row. Raises FieldValueError or NotAPhoneError, both with one sentence, if it cannot be imported."""
    if len(cells) > columns.width and any(cell.strip() for cell in cells[columns.width :]):
        raise FieldValueError(
            "has {count} cells; the header names {width} columns", count=len(cells), width=columns.width
        )
    phone_text = _cell(cells, columns.places, "phone")
    if not phone_text:
        raise FieldValueError("the phone is missing")
    phone = read_phone(phone_text, default_country)
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
    """Parse `vip;city=Madrid` to name → value. Raises FieldValueError if a name or value is not allowed, or there are too many."""
    tags: dict[str, str | None] = {}
    for part in text.split(";"):
        if part.strip():
            name, equals, value = part.partition("=")
            tags[read_name(name, "a tag")] = read_tag_value(value) if equals else None
    if len(tags) > MAX_TAGS:
        raise FieldValueError("has {count} tags; at most {max_tags} are allowed", count=len(tags), max_tags=MAX_TAGS)
    return tags


def combine_rows(rows: Sequence[ImportRow]) -> ImportRow:
    """Combine the rows of one person: later cells win, but `unsubscribed` in any row wins over every other consent."""
    combined = rows[0]
    for row in rows[1:]:
        is_unsubscribed = Consent.UNSUBSCRIBED.value in (combined.consent, row.consent)
        is_overruled = is_unsubscribed and row.consent != Consent.UNSUBSCRIBED.value
        consent_row = row if row.consent and not is_overruled else combined
        tags = {name: value for name, value in row.tags.items() if value is not None or name not in combined.tags}
        combined = replace(
            combined,
            fields=combined.fields | row.fields,
            attributes=combined.attributes | row.attributes,
            tags=combined.tags | tags,
            consent=consent_row.consent,
            source=consent_row.source,
        )
    return combined


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
    texts = {name: _cell(cells, columns.fields, name) for name in columns.fields}
    return {name: read_profile_value(name, text) for name, text in texts.items() if text}


def _attributes(cells: Sequence[str], columns: Columns) -> dict[str, Value]:
    texts = {name: _cell(cells, columns.attributes, name) for name in columns.attributes}
    types = columns.types
    return {name: read_value(types.get(name, AttributeType.TEXT), text, name) for name, text in texts.items() if text}
