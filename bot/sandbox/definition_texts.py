"""Checks variables and samples of a template's definition as Meta does (docs/meta.md §5.2)."""

import re
from typing import Any, NoReturn

from bot.sandbox.errors import SandboxGraphError

MISSING_SAMPLE = 2_388_043
TOO_LONG = 2_388_040


def refuse(why: str, subcode: int | None = None) -> NoReturn:
    """Raise Meta's refusal of a definition."""
    raise SandboxGraphError(100, why, subcode=subcode)


def check_length(what: str, text: str, most: int) -> None:
    """Check the number of characters."""
    if len(text) > most:
        refuse(f"{what} text has more than {most} characters", TOO_LONG)


def check_variables(what: str, text: str, form: str, subcode: int) -> list[str]:
    """Check how the variables are written; returns them, each once."""
    names = list(dict.fromkeys(name.strip() for name in re.findall(r"\{\{(.*?)\}\}", text, re.DOTALL)))
    rest = re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL)
    if "{{" in rest or "}}" in rest:
        refuse(f"{what}: curly braces do not match", subcode)
    if form == "NAMED":
        if any(name.isdigit() or not re.fullmatch(r"[a-z0-9_]+", name) for name in names):
            refuse(f"{what}: named variables are lower-case letters and underscores", subcode)
    elif sorted(names) != sorted(str(place) for place in range(1, len(names) + 1)):
        refuse(f"{what}: positional variables must count up from 1", subcode)
    return names


def check_example(kind: str, part: dict[str, Any], text: str, form: str) -> None:
    """Check that every variable has a sample, in any of the shapes."""
    names = set(re.findall(r"\{\{\s*(.*?)\s*\}\}", text, re.DOTALL))
    example = part.get("example")
    given = example if isinstance(example, dict) else {}
    if form == "NAMED":
        items = given.get(f"{kind}_text_named_params")
        known = {item.get("param_name") for item in items or [] if isinstance(item, dict) and item.get("example")}
        if names - known:
            refuse("Every variable needs an example", MISSING_SAMPLE)
        return
    samples = given.get(f"{kind}_text", [])
    samples = samples[0] if isinstance(samples, list) and samples and isinstance(samples[0], list) else samples
    samples = [samples] if isinstance(samples, str) else samples
    if not isinstance(samples, list) or len([sample for sample in samples if str(sample).strip()]) < len(names):
        refuse("Every variable needs an example", MISSING_SAMPLE)
