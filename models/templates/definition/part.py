"""The base of every part of a definition: where it stands, and the fields that Hark does not know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a definition.

    `path` is its place, as problems name it. `extra` are the fields that Hark does not know, which go to Meta as they came.
    """

    path: str = field(default="", compare=False)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def place(self, key: str) -> str:
        """The path of one of its fields."""
        return f"{self.path}.{key}" if self.path else key


def present(**fields: Any) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
