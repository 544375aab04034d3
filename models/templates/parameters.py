"""Writes values as the text of template parameters, and checks it by Meta's rules (docs/meta.md §2.3) before sending.

A refusal costs a request. Meta takes no line break, no tab and no more than four spaces in a row; a value from a file or a profile
that holds some is flattened, since nobody would leave a person out for that.
"""

import re
from collections.abc import Mapping
from typing import Any

from models.stored_texts import BAD_PARAMETER, PARAMETER_BREAK, PARAMETER_EMPTY, PARAMETER_LONG, PARAMETER_SPACES
from models.templates.content import shown_place
from models.text import Text

MAX_CHARACTERS = 1024
_BREAKS = re.compile(r"[\n\r\t]")
_RUN = " " * 5
_SPACES = re.compile(r" {5,}")
_TO_FLATTEN = re.compile(r"\s*[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]\s*| {5,}")


def as_text(value: Any) -> str:
    """Convert a value to a parameter's text: stripped and flat, `yes` or `no` for a boolean, empty for None."""
    if type(value) is str:  # nearly every value: the send path passes here several times for each
        return flat_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else flat_text(str(value))


def flat_text(text: str) -> str:
    """The text stripped, with one space for a line break or a tab and what surrounds it, and for five spaces or more."""
    text = text.strip()
    return text if text.isprintable() and _RUN not in text else _TO_FLATTEN.sub(" ", text)


def parameter_problem(text: str) -> Text | None:
    """Return why Meta would refuse this text; None if it would not."""
    if not text:
        return PARAMETER_EMPTY()
    if len(text) <= MAX_CHARACTERS and text.isprintable() and _RUN not in text:
        return None
    if _BREAKS.search(text):
        return PARAMETER_BREAK()
    if _SPACES.search(text):
        return PARAMETER_SPACES()
    if len(text) > MAX_CHARACTERS:
        return PARAMETER_LONG(most=MAX_CHARACTERS)
    return None


def values_problem(values: Mapping[str, Any] | None) -> Text | None:
    """Return the first problem, as `body 2: it is empty`; None if there is none. `values` is place → key → value."""
    for component, parameters in (values or {}).items():
        if isinstance(parameters, Mapping):
            for key, value in parameters.items():
                problem = parameter_problem(as_text(value))
                if problem:
                    return BAD_PARAMETER(component=shown_place(component), name=key, problem=problem)
    return None
