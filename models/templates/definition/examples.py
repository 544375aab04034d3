"""Reads and writes the sample values of variables, in all the shapes in which Meta takes and returns them (docs/meta.md §5.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.templates.definition.reader import Reader, kind_of

POSITIONAL, NAMED = "POSITIONAL", "NAMED"
PARAMETER_FORMATS = (POSITIONAL, NAMED)


@dataclass(frozen=True, slots=True)
class Examples:
    """Sample values of one text: by position (`1`, `2`, …) and by name. A definition has either."""

    by_position: tuple[str, ...] = ()
    by_name: Mapping[str, str] = field(default_factory=dict)

    def of(self, key: str) -> str:
        """The sample of a variable, empty if it has none."""
        if key in self.by_name:
            return self.by_name[key]
        place = int(key) - 1 if key.isascii() and key.isdigit() and len(key) < 5 else -1
        return self.by_position[place] if 0 <= place < len(self.by_position) else ""

    def to_json(self, kind: str) -> dict[str, Any] | None:
        """Meta's `example` of a `body` or a `header`; None if there is no sample."""
        if self.by_name:
            named = [{"param_name": name, "example": text} for name, text in self.by_name.items()]
            return {f"{kind}_text_named_params": named}
        if not self.by_position:
            return None
        values = list(self.by_position)
        return {f"{kind}_text": [values] if kind == "body" else values}


def read_examples(part: Reader, kind: str) -> Examples:
    """Read the `example` of a `body` or a `header`: a list, a list in a list, a plain text, or named samples."""
    example = part.child("example")
    if example is None:
        return Examples()
    return Examples(
        flat_texts(example, f"{kind}_text"),
        {
            item.text("param_name"): item.text("example")
            for item in example.items(f"{kind}_text_named_params")
            if item.has("param_name")
        },
    )


def flat_texts(part: Reader, key: str) -> tuple[str, ...]:
    """The texts of a field: a text alone, a list of texts, or the first list of a list of lists. Numbers count as texts."""
    value = part.raw(key)
    if isinstance(value, list) and value and isinstance(value[0], list):
        value = value[0]
    if value is None:
        return ()
    texts = value if isinstance(value, list) else [value]
    for place, text in enumerate(texts):
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            path = f"{part.place(key)}[{place}]" if isinstance(value, list) else part.place(key)
            part.problems.add(path, "must be text, not {kind}", kind=kind_of(text))
            return ()
    return tuple(str(text) for text in texts)
