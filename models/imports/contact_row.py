"""Reads the header and the rows of a contacts file, and combines the rows of one person."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

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
from models.contacts.phone import Phone, read_phone, readings
from models.contacts.tag_key import add_tag
from models.imports.phone_cell import without_additions
from models.imports.tag_cell import read_tags
from models.spreadsheets import PROTECTION, unprotect
from models.tables.contact import Consent
from models.tables.tag import AttributeType
from models.text import Text

IMPORTABLE = tuple(consent.value for consent in Consent if consent is not Consent.REDACTED)
SECOND_PHONE = "phone_if_empty"
"""The column of a number that is taken where that of the phone is empty."""
MAX_SOURCE = 200
CODE_LENGTH = 2
"""Of a country."""
_DIGIT = re.compile(r"[0-9]")
_LONE_TEXT = re.compile(r'="((?:[^"]|"")*)"')
"""A formula with which programs keep a spreadsheet from reading a text as a number."""
_PROTECTED_NUMBER = re.compile(r"'[0-9]+")
"""Shops and others keep a spreadsheet from rounding a long number so."""


class CellWarning(NamedTuple):
    """A cell that was left out of a row, by its column's name, and why."""

    column: str
    reason: str


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
    consents: Mapping[str, str] = field(default_factory=dict)
    """What the file's words mean, by the word in lower case: a consent, or nothing where it is to be left as it was."""
    tag_separator: str = ""
    """What separates tags (`tag_cell.SEPARATORS`); empty where each cell tells it."""
    is_own_export: bool = False
    """Hark protects cells from being formulas alone; others protect long numbers too (`'0012`)."""


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


def read_row(
    line: int,
    cells: Sequence[str],
    columns: Columns,
    default_country: str | None,
    warnings: list[CellWarning] | None = None,
    country_named: Callable[[str], str | None] | None = None,
) -> ImportRow:
    """Read a row; the person's own country completes a national number before `default_country`.

    `country_named` finds a country by its name. Where the person has one that cannot be read, nothing completes the number:
    `default_country` would make it that of a stranger.

    A cell beside the phone that cannot be read is left out and told in `warnings`. Raises FieldValueError or NotAPhoneError, both
    with one sentence, if the row cannot be imported: for its phone, and without `warnings` for any cell.
    """
    if len(cells) > columns.width and any(cell.strip() for cell in cells[columns.width :]):
        raise FieldValueError(
            "has {count} cells; the header names {width} columns", count=len(cells), width=columns.width
        )
    phone_text = _phone_cell(cells, columns)
    if not phone_text:
        raise FieldValueError("the phone is missing")
    phone_text = without_additions(phone_text)
    reader = _CellReader(cells, columns, warnings, country_named)
    fields = reader.fields()
    country = fields.get("country") or (None if reader.has("country") else default_country)
    phone = read_phone(phone_text, country)
    if phone.problem is not None and warnings is not None:
        warnings.append(CellWarning("phone", str(_phone_warning(phone, country))))
    sought = WrittenPhone.of(phone)
    consent, source = reader.consent()
    return ImportRow(
        line=line,
        e164=phone.e164,
        stored=phone.stored,
        given=sought.given,
        problem=phone.problem,
        country=phone.country,
        key=sought.key,
        fields=fields,
        attributes=reader.attributes(),
        tags=reader.tags(),
        consent=consent,
        source=source,
    )


def _phone_warning(phone: Phone, country: str | None) -> Text:
    """Why nothing is sent to the number, in one sentence."""
    if phone.problem == "unclear_phone":
        meanings = " or ".join(readings(phone.raw, country))
        return Text("{raw!r} lacks its plus, and may be {meanings}", {"raw": phone.raw, "meanings": meanings})
    if phone.problem == "missing_calling_code":
        return Text("{raw!r} lacks its calling code", {"raw": phone.raw})
    return Text("{raw!r} is possible in no country", {"raw": phone.raw})


def combine_rows(rows: Sequence[ImportRow]) -> ImportRow:
    """Combine the rows of one person: later cells win, but `unsubscribed` in any row wins over every other consent."""
    combined = rows[0]
    for row in rows[1:]:
        is_unsubscribed = Consent.UNSUBSCRIBED.value in (combined.consent, row.consent)
        is_overruled = is_unsubscribed and row.consent != Consent.UNSUBSCRIBED.value
        consent_row = row if row.consent and not is_overruled else combined
        tags = dict(combined.tags)
        for name, value in row.tags.items():
            add_tag(tags, name, value)
        combined = replace(
            combined,
            fields=combined.fields | row.fields,
            attributes=combined.attributes | row.attributes,
            tags=tags,
            consent=consent_row.consent,
            source=consent_row.source,
        )
    return combined


def _phone_cell(cells: Sequence[str], columns: Columns) -> str:
    first = _cell(cells, columns, columns.places.get("phone"))
    if SECOND_PHONE in columns.places and not _DIGIT.search(first):
        return _cell(cells, columns, columns.places[SECOND_PHONE]) or first
    return first


def _cell(cells: Sequence[str], columns: Columns, position: int | None) -> str:
    text = cells[position].strip() if position is not None and position < len(cells) else ""
    if text[:1] == "=" and (lone := _LONE_TEXT.fullmatch(text)):
        return lone[1].replace('""', '"').strip()
    if text[:1] != PROTECTION:
        return text
    return unprotect(text[1:] if not columns.is_own_export and _PROTECTED_NUMBER.fullmatch(text) else text)


class _CellReader:
    """Reads the cells of a row beside the phone. Each cell that cannot be read is left out with a warning, or raises."""

    def __init__(
        self,
        cells: Sequence[str],
        columns: Columns,
        warnings: list[CellWarning] | None,
        country_named: Callable[[str], str | None] | None,
    ) -> None:
        self._cells = cells
        self._columns = columns
        self._warnings = warnings
        self._country_named = country_named

    def has(self, name: str) -> bool:
        """Whether the cell of a profile field holds something."""
        position = self._columns.fields.get(name)
        return position is not None and bool(_cell(self._cells, self._columns, position))

    def fields(self) -> dict[str, str]:
        """The profile fields."""
        values: dict[str, str] = {}
        for name, position in self._columns.fields.items():
            text = _cell(self._cells, self._columns, position)
            if text:
                try:
                    values[name] = self._profile_value(name, text)
                except FieldValueError as error:
                    self._leave_out(name, error)
        return values

    def _profile_value(self, name: str, text: str) -> str:
        if name == "country" and len(text) > CODE_LENGTH and self._country_named is not None:
            text = self._country_named(text) or text
        return read_profile_value(name, text)

    def attributes(self) -> dict[str, Value]:
        """The attributes, as their types have them."""
        values: dict[str, Value] = {}
        for name, position in self._columns.attributes.items():
            text = _cell(self._cells, self._columns, position)
            if text:
                try:
                    values[name] = read_value(self._columns.types.get(name, AttributeType.TEXT), text, name)
                except FieldValueError as error:
                    self._leave_out(name, error)
        return values

    def tags(self) -> dict[str, str | None]:
        """The tags with their values."""
        try:
            return read_tags(self._place("tags"), self._columns.tag_separator)
        except FieldValueError as error:
            self._leave_out("tags", error)
            return {}

    def consent(self) -> tuple[str | None, str]:
        """The consent and its source; None leaves the consent as it was."""
        try:
            return self._consent()
        except FieldValueError as error:
            self._leave_out("consent", error)
            return None, ""

    def _consent(self) -> tuple[str | None, str]:
        written = self._place("consent")
        word = self._columns.consents.get(written.lower(), written.lower())
        given_source = self._place("consent_source")
        source = given_source or (self._columns.source if word else "")
        if word and word not in IMPORTABLE:
            raise FieldValueError(
                "consent {word!r} is not one of {allowed}", word=written[:40], allowed=", ".join(IMPORTABLE)
            )
        if word == Consent.SUBSCRIBED.value and not source:
            raise FieldValueError("consent 'subscribed' needs a consent_source: where and how the person agreed")
        if len(source) > MAX_SOURCE:
            raise FieldValueError(
                "consent_source is {count} characters long; at most {max_source} are allowed",
                count=len(source),
                max_source=MAX_SOURCE,
            )
        return word or None, source

    def _place(self, name: str) -> str:
        return _cell(self._cells, self._columns, self._columns.places.get(name))

    def _leave_out(self, column: str, error: FieldValueError) -> None:
        """Note the cell in the warnings. Raises the error if nobody reads them."""
        if self._warnings is None:
            raise error
        self._warnings.append(CellWarning(column, str(error)))
