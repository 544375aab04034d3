"""A template as Meta stores it, and how it reads once its parameters are filled in."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
SENDABLE = "APPROVED"
DEFAULT_FIELDS = ("name", "parameter_format", "components", "language", "status", "category", "id")


def variables_in(text: str) -> list[str]:
    """Names of the variables, each once, in the order in which they stand."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


def fill(text: str, values: dict[str, str]) -> str:
    return VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)


@dataclass
class SandboxTemplate:
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
    created_at: float = field(default_factory=time.time)

    @property
    def named(self) -> bool:
        return self.parameter_format == "NAMED"

    def component(self, kind: str) -> dict[str, Any] | None:
        return find_component(self.components, kind)

    @property
    def buttons(self) -> list[dict[str, Any]]:
        return buttons_of(self.components)

    def public(self, fields: list[str] | None = None) -> dict[str, Any]:
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
        wanted = [*fields, "id"] if fields else DEFAULT_FIELDS
        return {name: everything[name] for name in wanted if name in everything}


def find_component(components: list[dict[str, Any]], kind: str) -> dict[str, Any] | None:
    return next((part for part in components if str(part.get("type", "")).upper() == kind), None)


def buttons_of(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    part = find_component(components, "BUTTONS")
    return list(part.get("buttons", [])) if part else []


def parameter_values(parameters: list[dict[str, Any]]) -> dict[str, str]:
    """What each variable is filled with: by ``parameter_name`` where it has one, else by place."""
    values = {}
    for place, item in enumerate(parameters, start=1):
        kind = item.get("type")
        shown = item.get("text")
        if kind in ("currency", "date_time"):
            shown = item.get(kind, {}).get("fallback_value", "")
        values[str(item.get("parameter_name") or place)] = str(shown or "")
    return values
