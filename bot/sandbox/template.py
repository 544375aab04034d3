"""Defines a template as Meta stores it, and fills its variables."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
SENDABLE = "APPROVED"
DEFAULT_FIELDS = ("name", "parameter_format", "components", "language", "status", "category", "id")


def variables_in(text: str) -> list[str]:
    """Return the names of the variables, each once, in order."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


def fill(text: str, values: dict[str, str]) -> str:
    """Replace the variables that have a value."""
    return VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)


@dataclass
class SandboxTemplate:
    """One language of one template."""

    id: str
    waba_id: str
    name: str
    language: str
    category: str
    components: list[dict[str, Any]]
    status: str = "APPROVED"
    parameter_format: str = "POSITIONAL"
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"
    extra: dict[str, Any] = field(default_factory=dict)
    edited_at: float = 0.0
    edits: list[float] = field(default_factory=list)
    """When it was edited while it was approved."""
    reviewed_at: float = 0.0
    created_at: float = field(default_factory=time.time)

    @property
    def named(self) -> bool:
        """Whether its variables have names."""
        return self.parameter_format == "NAMED"

    def component(self, kind: str) -> dict[str, Any] | None:
        """Return the component of a type, None if there is none."""
        return find_component(self.components, kind)

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The buttons of the template."""
        return buttons_of(self.components)

    def public(self, fields: list[str] | None = None) -> dict[str, Any]:
        """Return the template as JSON, with the requested fields or Meta's default ones."""
        everything: dict[str, Any] = {
            "name": self.name,
            "parameter_format": self.parameter_format,
            "components": self.components,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "id": self.id,
            "quality_score": {"score": self.quality, "date": int(self.created_at)},
            "rejected_reason": self.rejected_reason,
            **self.extra,
        }
        names = [*fields, "id"] if fields else DEFAULT_FIELDS
        return {name: everything[name] for name in names if name in everything}


def find_component(components: list[dict[str, Any]], kind: str) -> dict[str, Any] | None:
    """Return the component of a type (upper case), None if there is none."""
    return next((part for part in components if str(part.get("type", "")).upper() == kind), None)


def buttons_of(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the buttons of a list of components."""
    part = find_component(components, "BUTTONS")
    return list(part.get("buttons", [])) if part else []


def parameter_values(parameters: list[dict[str, Any]]) -> dict[str, str]:
    """Return the value of each variable, by ``parameter_name`` if there is one, else by position from 1."""
    values = {}
    for place, item in enumerate(parameters, start=1):
        kind = item.get("type")
        value = item.get("text")
        if kind in ("currency", "date_time"):
            value = item.get(kind, {}).get("fallback_value", "")
        values[str(item.get("parameter_name") or place)] = str(value or "")
    return values
