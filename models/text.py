"""Sentences for people: an English template with named values, translated where it is shown.

Nothing stores or passes on a finished sentence. A row keeps a key with its values (`StoredText`, declared in models.stored_texts),
so that the reader's language and a mended wording apply to old rows too.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from gettext import NullTranslations
from string import Formatter
from typing import Any

_TRANSLATIONS = NullTranslations()
MAX_VALUE = 1_000
"""Characters of one value that are stored: Meta's words can be long, and JSON that is cut cannot be read."""
_KEY, _TEMPLATE, _VALUES = "key", "template", "values"
_PREFIX = f'{{"{_KEY}":'


def translate(template: str, /, **values: object) -> str:
    """The template in the reader's language, with its places filled.

    Values that are sentences themselves (a `Text`, an error that carries one) are translated too; a list of sentences is joined.
    English is the only language so far.
    """
    sentence = _TRANSLATIONS.gettext(template)
    return sentence.format(**{name: _shown(value) for name, value in values.items()}) if values else sentence


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence that has not been put into a language yet. Without values the template is the sentence as it stands.

    `key` is set where a row can keep it.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict)
    key: str | None = None

    def __str__(self) -> str:
        """In English, as logs and the command line say it."""
        values = {name: _joined(value, str) for name, value in self.values.items()}
        return self.template.format(**values) if values else self.template

    def translated(self) -> str:
        """In the reader's language."""
        return translate(self.template, **self.values)

    def stored(self) -> str:
        """What a row keeps: compact JSON, `{"key":"pause.limit","at":"…"}`. Raises ValueError if it is not a stored text."""
        if self.key is None:
            raise ValueError(f"no key is declared for {self.template!r}")
        return json.dumps(_packed(self), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class StoredText:
    """A sentence that rows keep. Its key is never changed or given again; its English may be mended."""

    key: str
    template: str

    @property
    def places(self) -> frozenset[str]:
        """The names of the values it needs."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.template) if name is not None)

    def __call__(self, **values: object) -> Text:
        """The sentence with these values. Raises ValueError unless they are exactly those of the template."""
        if values.keys() != self.places:
            raise ValueError(f"{self.key} needs {sorted(self.places)}, not {sorted(values)}")
        return Text(self.template, values, self.key)

    def is_stored_in(self, stored: str | None) -> bool:
        """Whether what a row keeps is this sentence, with whatever values."""
        text = parse_stored(stored)
        return text is not None and text.key == self.key


DECLARED: dict[str, StoredText] = {}
"""Every declared sentence by its key; only `stored_text` adds to it."""


def stored_text(key: str, template: str) -> StoredText:
    """Declare a sentence that rows keep. Raises ValueError if the key is taken, or a place has a name that the JSON needs."""
    text = StoredText(key, template)
    if key in DECLARED or text.places & {_KEY, _TEMPLATE, _VALUES}:
        raise ValueError(f"{key!r} cannot be declared")
    DECLARED[key] = text
    return text


def parse_stored(stored: str | None) -> Text | None:
    """What `models.stored_texts.read_text` returns: that module declares the keys, so rows are read through it."""
    if not stored:
        return None
    if stored.startswith(_PREFIX):
        try:
            return _unpacked(json.loads(stored))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            pass
    return Text(stored)


def _packed(text: Text) -> dict[str, Any]:
    values = {name: _packed_value(value) for name, value in text.values.items()}
    if text.key is not None:
        return {_KEY: text.key} | values
    packed: dict[str, Any] = {_TEMPLATE: text.template} | ({_VALUES: values} if values else {})
    try:
        is_same = str(_unpacked(packed)) == str(text)
    except (ValueError, TypeError):  # a format that what JSON keeps of the value does not have
        is_same = False
    return packed if is_same else {_TEMPLATE: str(text)[:MAX_VALUE]}


def _packed_value(value: object) -> Any:
    inner = value if isinstance(value, Text) else getattr(value, "text", None)
    if isinstance(inner, Text):
        return _packed(inner)
    if isinstance(value, list | tuple):
        return [_packed_value(each) for each in value]
    if value is None or type(value) in {bool, int, float}:
        return value
    text = str(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"


def _unpacked(packed: dict[str, Any]) -> Text:
    if _TEMPLATE in packed:
        values = packed.get(_VALUES, {})
        return Text(packed[_TEMPLATE], {name: _unpacked_value(value) for name, value in values.items()})
    values = {name: _unpacked_value(value) for name, value in packed.items() if name != _KEY}
    if not isinstance(packed[_KEY], str):
        raise TypeError(packed[_KEY])
    declared = DECLARED.get(packed[_KEY])
    if declared is None:  # a later version wrote it
        said = ", ".join(f"{name}: {_shown(value)}" for name, value in values.items())
        return Text(f"{packed[_KEY]} ({said})" if said else packed[_KEY])
    return Text(declared.template, dict.fromkeys(declared.places, "?") | values, declared.key)


def _unpacked_value(value: Any) -> object:
    if isinstance(value, list):
        return [_unpacked_value(each) for each in value]
    return _unpacked(value) if isinstance(value, dict) else value


def _shown(value: object) -> object:
    text = value if isinstance(value, Text) else getattr(value, "text", None)
    return text.translated() if isinstance(text, Text) else _joined(value, _shown)


def _joined(value: object, show: Callable[[object], object]) -> object:
    """Sentences in one line, each without its full stop; any other value as it is."""
    if isinstance(value, list | tuple):
        return "; ".join(str(show(each)).rstrip(".") for each in value)
    return value
