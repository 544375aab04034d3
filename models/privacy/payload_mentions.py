"""Taking a person out of a payload that could not be processed, so that what it says of others can still be applied."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Names = Callable[[str], bool]
"""Whether a text names the person."""


def without_person(raw: bytes, names: Names) -> bytes | None:
    """The payload without the events of this person. None where nothing else is in it, or it cannot be read.

    An event is an item of a list in a change (a message, a status, a contact). What names them anywhere else takes the change, or
    the entry, along.
    """
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    entries = payload.get("entry") if isinstance(payload, dict) else None
    if not isinstance(entries, list):
        return None
    kept = [left for entry in entries if (left := _without(entry, "changes", _change_without, names)) is not None]
    left = payload | {"entry": kept}
    return None if not kept or _says(left, names) else json.dumps(left).encode()


def _change_without(change: Any, names: Names) -> Any:
    """None where nothing is left of it."""
    if not (isinstance(change, dict) and isinstance(change.get("value"), dict)):
        return None if _says(change, names) else change
    value = change["value"]
    events = {key: [item for item in found if not _says(item, names)] for key, found in _lists(value).items()}
    if events == _lists(value):
        return None if _says(change, names) else change
    left = change | {"value": value | events}
    return left if any(events.values()) and not _says(left, names) else None


def _without(holder: Any, key: str, part: Callable[[Any, Names], Any], names: Names) -> Any:
    """The same with what is left of each of its parts; None where there is none left."""
    if not (isinstance(holder, dict) and isinstance(holder.get(key), list)):
        return None if _says(holder, names) else holder
    kept = [left for item in holder[key] if (left := part(item, names)) is not None]
    left = holder | {key: kept}
    return left if kept and not _says(left, names) else None


def _lists(value: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {key: found for key, found in value.items() if isinstance(found, list)}


def _says(data: Any, names: Names) -> bool:
    """Whether any text or number in it names them."""
    if isinstance(data, dict):
        return any(names(str(key)) or _says(value, names) for key, value in data.items())
    if isinstance(data, list):
        return any(_says(item, names) for item in data)
    return isinstance(data, str | int) and not isinstance(data, bool) and names(str(data))
