"""Describes as text what a row would change in a contact, for the preview of an import."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.contacts.field_values import PROFILE_FIELDS
from models.imports.contact_row import ImportRow

MAX_TOLD = 20
"""Changes of a file that are described; the others are counted."""
MAX_CHARACTERS = 40

Record = Mapping[str, Any]


def describe_change(
    before: Record, after: Record, row: ImportRow, tags: Mapping[str, int], current_tags: Mapping[int, str | None]
) -> str:
    """Return a text such as `name Ana → Anna; language es; tag city = Madrid`.

    `tags`: tag id by name; `current_tags`: value by tag id, of the tags that the contact has.
    """
    return "; ".join([*_fields(before, after), *_tags(row, tags, current_tags)])


def describe_step(what: str, before: Any, after: Any) -> str:
    """Return the change of one field: the old value, unless it was empty, and the new one."""
    return f"{what} {_shorten(before)} → {_shorten(after)}" if before not in {None, ""} else f"{what} {_shorten(after)}"


def _fields(before: Record, after: Record) -> Iterator[str]:
    for name in PROFILE_FIELDS:
        if before[name] != after[name]:
            yield describe_step(name.replace("_", " "), before[name], after[name])
    if before["phone"] != after["phone"]:
        yield describe_step("phone", before["phone"] or before["raw_phone"], after["phone"])
    for name, value in after["attributes"].items():
        if before["attributes"].get(name) != value:
            yield describe_step(name, before["attributes"].get(name), value)
    if before["consent"] != after["consent"]:
        yield describe_step("consent", before["consent"].value, after["consent"].value)


def _tags(row: ImportRow, tags: Mapping[str, int], current_tags: Mapping[int, str | None]) -> Iterator[str]:
    for name, value in row.tags.items():
        tag_id = tags.get(name, 0)
        if tag_id not in current_tags:
            yield f"tag {name}" if value is None else f"tag {name} = {_shorten(value)}"
        elif value is not None and current_tags[tag_id] != value:
            yield describe_step(f"tag {name} =", current_tags[tag_id], value)


def _shorten(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
