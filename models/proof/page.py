"""Writes the page of a proof: the same facts as its JSON, to be read in any browser, without anything from outside."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

TITLES = {
    "about": "About this proof",
    "person": "The person",
    "campaign": "The campaign",
    "consent": "Consent",
    "message": "The message",
    "template": "The template, as it was when the message was sent",
    "result": "What became of the message",
    "tries": "Every try",
    "webhooks": "What Meta reported by",
    "replies": "What the person answered",
    "taps": "What the person tapped",
    "clicks": "What the person clicked",
    "conversions": "What followed from it",
    "steps": "Steps of the bot flow",
    "price": "The price",
    "audit": "Who did what",
    "unknown": "What is not known",
}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f1d;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #d8ded9}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;"
    "border-bottom:1px solid #eef1ee;overflow-wrap:anywhere}th{font-weight:600;width:14rem}pre{white-space:pre-wrap;margin:0}"
    ".text{white-space:pre-wrap;background:#f1f6f0;border-radius:8px;padding:.8rem 1rem}.none{color:#6b736e}"
)


def proof_page(facts: Mapping[str, Any]) -> str:
    """The page. Parts come in the order of TITLES, others after them."""
    names = [name for name in TITLES if name in facts] + [name for name in facts if name not in TITLES]
    title = f"Proof: {facts['campaign'].get('name') or 'campaign'}, {facts['person'].get('phone') or 'a person'}"
    body = "".join(f"<h2>{escape(TITLES.get(name, name))}</h2>{_value(name, facts[name])}" for name in names)
    note = (
        "<p>This page shows what <code>proof.json</code> beside it holds. Both are signed: see <code>signature.json</code>. "
        "Times are in UTC.</p>"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{note}{body}</body></html>\n"
    )


def _value(name: str, value: Any) -> str:
    if value is None or (isinstance(value, Mapping | list | tuple | str) and not value):
        return '<p class="none">Nothing.</p>'
    if isinstance(value, Mapping):
        lines = (f"<tr><th>{escape(_word(key))}</th><td>{_cell(key, part)}</td></tr>" for key, part in value.items())
        return f"<table>{''.join(lines)}</table>"
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(part, Mapping) for part in value):
            return "".join(_value(name, part) + "<br>" for part in value)
        return f"<ul>{''.join(f'<li>{_cell(name, part)}</li>' for part in value)}</ul>"
    return f"<p>{_cell(name, value)}</p>"


def _cell(name: str, value: Any) -> str:
    if value is None or value == "":
        return '<span class="none">–</span>'
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "text" and isinstance(value, str):
        return f'<div class="text">{escape(value)}</div>'
    if isinstance(value, Mapping | list | tuple):
        return _value(name, value)
    return escape(str(value))


def _word(name: str) -> str:
    return name.replace("_", " ").capitalize() if name.islower() else name
