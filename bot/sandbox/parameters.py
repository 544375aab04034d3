"""Reads and checks single parameters of a template message (docs/meta.md §2.3)."""

import re
from typing import Any

from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.template import find_component

FORBIDDEN = re.compile(r"[\n\r\t]| {5,}")


def parameters_of(parts: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the parameters of the component of this kind, empty if there is none."""
    part = find_component(parts, kind.upper())
    parameters = part.get("parameters", []) if part else []
    if not isinstance(parameters, list) or not all(isinstance(item, dict) for item in parameters):
        raise SandboxGraphError(100, f"Param template['components'] {kind}: parameters must be an array of objects")
    return parameters


def check_parameter(where: str, item: dict[str, Any]) -> None:
    """Check a parameter of a text: its type, and what its text may not contain."""
    kind = item.get("type")
    if kind in ("currency", "date_time"):
        if not isinstance(item.get(kind), dict) or not item[kind].get("fallback_value"):
            raise SandboxGraphError(131008, f"{where}: {kind} needs a fallback_value")
        return
    if kind != "text":
        raise SandboxGraphError(132012, f"{where}: expected a text parameter, received {kind!r}")
    text = item.get("text")
    if not isinstance(text, str):
        raise SandboxGraphError(131008, f"{where}: parameter of type text is missing its text value")
    if not text.strip() or FORBIDDEN.search(text):
        raise SandboxGraphError(
            132018,
            f"{where}: Param text cannot be empty or have new-line/tab characters or more than 4 consecutive spaces",
        )
