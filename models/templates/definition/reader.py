"""Reads typed values out of JSON of any shape; what has another shape is a problem at its field, never an exception."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from models.templates.definition.problems import Problems

MAX_DEPTH = 12
"""Levels of a definition; Meta's deepest has seven."""
MAX_ITEMS = 100
"""Entries of one list that are read; no list of Meta's is as long."""


class Reader:
    """An object of the JSON at a path. Each getter takes its key; `extra` is what no getter took, passed on as it came."""

    def __init__(self, value: Mapping[str, Any], path: str, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._value = value
        self._taken: set[str] = set()

    def place(self, key: str) -> str:
        """The path of a field of this object."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Whether the field is there, with another value than null."""
        return self._value.get(key) is not None

    def raw(self, key: str) -> Any:
        """The value as it is; None if it is missing."""
        self._taken.add(key)
        return self._value.get(key)

    def text(self, key: str) -> str:
        """A text, empty if it is missing or no text."""
        value = self.raw(key)
        if value is not None and not isinstance(value, str):
            self.problems.add(self.place(key), "must be text, not {kind}", kind=kind_of(value))
        return value if isinstance(value, str) else ""

    def required_text(self, key: str) -> str:
        """A text that must not be empty."""
        text = self.text(key)
        if not text.strip() and (not self.has(key) or isinstance(self._value[key], str)):
            self.problems.add(self.place(key), "is missing")
        return text

    def flag(self, key: str) -> bool | None:
        """True, false, or None if it is missing or neither."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            self.problems.add(self.place(key), "must be true or false")
        return value if isinstance(value, bool) else None

    def number(self, key: str) -> int | None:
        """A whole number, or None if it is missing or none. Digits in a text count too, as Meta takes them."""
        value = self.raw(key)
        if isinstance(value, str) and value.strip().lstrip("-").isascii() and value.strip().lstrip("-").isdigit():
            value = int(value) if len(value) < 20 else value
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            self.problems.add(self.place(key), "must be a whole number")
            return None
        return value

    def word(self, key: str, allowed: Sequence[str], default: str | None = None) -> str | None:
        """One of the allowed words, in upper case, written in any case; the default if it is missing, None if it is another."""
        value = self.raw(key)
        if value is None and default is not None:
            return default
        word = value.strip().upper() if isinstance(value, str) else None
        if word not in allowed:
            if value is None:
                self.problems.add(self.place(key), "is missing; allowed are {allowed}", allowed=", ".join(allowed))
            else:
                given = value[:40] if isinstance(value, str) else kind_of(value)
                self.problems.add(
                    self.place(key), "{given!r} is not one of {allowed}", given=given, allowed=", ".join(allowed)
                )
            return None
        return word

    def child(self, key: str, path: str | None = None) -> "Reader | None":
        """The object in this field; None if it is missing or no object."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.problems.add(path or self.place(key), "must be an object, not {kind}", kind=kind_of(value))
            return None
        return Reader(value, path or self.place(key), self.problems)

    def items(self, key: str) -> list["Reader"]:
        """The objects of the list in this field; entries that are none are problems and left out."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problems.add(self.place(key), "must be a list, not {kind}", kind=kind_of(value))
            return []
        if len(value) > MAX_ITEMS:
            self.problems.add(self.place(key), "has {count} entries, at most {most}", count=len(value), most=MAX_ITEMS)
        readers = []
        for place, item in enumerate(value[:MAX_ITEMS]):
            path = f"{self.place(key)}[{place}]"
            if isinstance(item, Mapping):
                readers.append(Reader(item, path, self.problems))
            else:
                self.problems.add(path, "must be an object, not {kind}", kind=kind_of(item))
        return readers

    @property
    def extra(self) -> dict[str, Any]:
        """The fields that no getter took."""
        return {key: value for key, value in self._value.items() if key not in self._taken}


def kind_of(value: Any) -> str:
    """What a JSON value is, for people."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


def unstorable_values(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the place of what neither a database nor Meta can take (NUL, half a character, no number, too deep), and what it is."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        path, item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            yield path, f"lies deeper than {MAX_DEPTH} levels"
        elif isinstance(item, Mapping):
            for key, inner in item.items():
                if _is_broken(str(key)):
                    yield path, "has a field whose name no database can hold"
                else:
                    waiting.append((f"{path}.{key}" if path else str(key), inner, depth + 1))
        elif isinstance(item, list):
            waiting += [(f"{path}[{place}]", inner, depth + 1) for place, inner in enumerate(item)]
        elif isinstance(item, str) and _is_broken(item):
            yield path, "has a character that no message can hold (NUL, or half of a surrogate pair)"
        elif isinstance(item, float) and not isfinite(item):
            yield path, "must be a finite number"


def _is_broken(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)
