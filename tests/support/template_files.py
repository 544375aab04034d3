"""Definitions of templates as Meta publishes them (docs/meta.md §2.7, §5.6, §5.9), a file each."""

import copy
import json
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent.parent / "data" / "templates"
PUBLISHED = sorted(path.stem for path in DIRECTORY.glob("*.json"))


def template_json(name: str) -> dict[str, Any]:
    """A published definition by the name of its file."""
    found: dict[str, Any] = json.loads((DIRECTORY / f"{name}.json").read_text())
    return found


def changed(definition: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a path such as `components.1.text`; None removes it, `-1` in a list appends."""
    copied = copy.deepcopy(definition)
    *before, last = [int(step) if step.lstrip("-").isdigit() else step for step in path.split(".")]
    inner: Any = copied
    for step in before:
        inner = inner[step]
    if isinstance(inner, list) and last == -1:
        inner.append(value)
    elif value is None:
        del inner[last]
    else:
        inner[last] = value
    return copied
