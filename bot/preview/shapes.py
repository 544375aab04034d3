"""Reads JSON of any shape: what is not of the expected type is read as if it were missing, since a preview never fails."""

from collections.abc import Mapping
from typing import Any


def text_in(part: Any, *names: str) -> str:
    """The first non-empty text or number under these names, "" if there is none."""
    for name in names:
        value = part.get(name) if isinstance(part, Mapping) else None
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def object_in(part: Any, name: str) -> Mapping[str, Any]:
    """The object under a name, empty if there is none."""
    value = part.get(name) if isinstance(part, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def objects_in(part: Any, name: str) -> list[Mapping[str, Any]]:
    """The objects of the list under a name, empty if there is no list."""
    return objects(part.get(name) if isinstance(part, Mapping) else None)


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, empty for anything else."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def kind_of(part: Any, name: str = "type") -> str:
    """The word under a name in capitals: types and formats of components are not case-sensitive (docs/meta.md §5.6)."""
    return text_in(part, name).upper()


def number_in(part: Any, name: str) -> float | None:
    """The number under a name, also if it is written as text; None if it is none."""
    value = part.get(name) if isinstance(part, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e18 else None
