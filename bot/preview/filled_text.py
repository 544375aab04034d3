"""A text whose placeholders are filled, with the places of the values, so that they can be marked however the text is formatted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
"""`{{1}}` or `{{first_name}}` (docs/meta.md §2.3). Its group is the variable's number or name."""


class SlotState(StrEnum):
    """What stands in a placeholder."""

    SENT = "sent"
    """The value of a message that was sent: not marked."""
    VALUE = "value"
    """The value of the person for whom the preview is."""
    EXAMPLE = "example"
    """The template's example, or the name of where the value comes from."""
    MISSING = "missing"
    """Nothing: the placeholder itself is shown, marked as an error."""


@dataclass(frozen=True, slots=True)
class SlotValue:
    """What stands in a placeholder. `note` is shown when the pointer rests on it."""

    text: str
    state: SlotState = SlotState.VALUE
    note: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a value in a text: characters `start` up to and without `end`."""

    start: int
    end: int
    state: SlotState
    note: str = ""


@dataclass(frozen=True, slots=True)
class FilledText:
    """A text and the places of its values, in order."""

    text: str
    slots: tuple[Slot, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text)

    def up_to(self, end: int) -> "FilledText":
        """The beginning of the text, `end` characters of it."""
        slots = (slot for slot in self.slots if slot.start < end)
        return FilledText(
            self.text[:end], tuple(Slot(slot.start, min(slot.end, end), slot.state, slot.note) for slot in slots)
        )


NO_TEXT = FilledText("")


def fill(text: str, values: Mapping[str, SlotValue]) -> FilledText:
    """Fill the placeholders of a text. One without a value, or with an empty one, stays as it is and counts as missing."""
    parts: list[str] = []
    slots: list[Slot] = []
    length = position = 0
    for match in PLACEHOLDER.finditer(text):
        value = values.get(match[1])
        if value is None or not value.text:
            value = SlotValue(match[0], SlotState.MISSING, value.note if value else "")
        before = text[position : match.start()]
        start = length + len(before)
        parts += (before, value.text)
        length = start + len(value.text)
        slots.append(Slot(start, length, value.state, value.note))
        position = match.end()
    return FilledText("".join([*parts, text[position:]]), tuple(slots))


def placeholders_in(text: str) -> list[str]:
    """The names of the placeholders, each once, in order."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))
