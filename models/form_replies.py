"""Reads the answers of a form (Meta's "Flow") from an inbound message (docs/meta.md §7.6, §14).

Whoever fills in the form decides what is in it, so nothing is expected of it but that it is JSON.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

SEPARATOR = " · "
MAX_FIELDS = 50
MAX_DEPTH = 4
MAX_NAME = 60
MAX_VALUE = 1000
ADDRESS = "address_message"
TOKEN = "flow_token"  # noqa: S105 - the name of Meta's field; it holds no answer


def read_form(payload: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return the answers by field, in the form's order; None if the message (Meta's object) is no form's reply.

    Nested fields are named by their path (`values.city`), several values are joined by commas.
    """
    reply = _form_reply(payload)
    if reply is None:
        return None
    raw = reply.get("response_json")
    try:
        answers = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, dict):
        return {}
    fields: dict[str, str] = {}
    for name, value in _flat(answers, ()):
        if len(fields) == MAX_FIELDS:
            break
        fields[name[:MAX_NAME]] = _clean(value)[:MAX_VALUE]
    return fields


def form_text(payload: Mapping[str, Any] | None) -> str | None:
    """Return the answers as a person reads them: `rating: Excellent · comment: Very good`; None if it is no form's reply.

    An address, which is a form too, has a text of its own that is made to be read. So has a form without answers.
    """
    reply = _form_reply(payload)
    if reply is None:
        return None
    text, fields = reply.get("body"), read_form(payload) or {}
    if reply.get("name") == ADDRESS and isinstance(text, str) and text:
        return text
    answers = SEPARATOR.join(f"{name}: {value}" for name, value in fields.items() if value)
    return answers or (text if isinstance(text, str) and text else None)


def form_token(payload: Mapping[str, Any] | None) -> str | None:
    """Return the token that the form was sent with, which comes back with its answers; None if there is none."""
    reply = _form_reply(payload)
    raw = reply.get("response_json") if reply is not None else None
    try:
        answers = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        return None
    token = answers.get(TOKEN) if isinstance(answers, dict) else None
    return token if isinstance(token, str) else None


def _form_reply(payload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    interactive = (payload or {}).get("interactive")
    reply = interactive.get("nfm_reply") if isinstance(interactive, dict) else None
    return reply if isinstance(reply, dict) else None


def _flat(part: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key, value in part.items():
        here = (*path, _clean(str(key)))
        if not path and key == TOKEN:
            continue
        if isinstance(value, dict) and len(here) < MAX_DEPTH:
            yield from _flat(value, here)
        elif (text := _shown(value)) is not None:
            yield ".".join(here), text


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list):
        return ", ".join(text for item in value if (text := _item(item)) is not None)
    return None


def _item(item: Any) -> str | None:
    """A value of a list; of a file, which Meta describes by an object, its name."""
    if isinstance(item, dict):
        name = item.get("file_name")
        return name if isinstance(name, str) else None
    return None if isinstance(item, list) else _shown(item)


def _clean(text: str) -> str:
    """Without NUL and lone surrogates, which databases refuse: they may stand escaped in the JSON inside of the JSON."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
