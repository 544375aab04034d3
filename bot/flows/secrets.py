"""Reads `{secret.NAME}` in bot flows: where a secret may stand, and how a call names it until the moment at which it is made.

Only the headers and the body of an `http` node and the headers of an external bot may name one. What is stored of such a call has
the secret's name apart from the text around it, so that nothing that a customer writes can ever be taken for a name.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.flows.nodes import FlowDefinition, HttpNode, to_definition
from bot.flows.placeholders import PART

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
NAME_FORM = "a letter, then letters, digits and _, 60 at most"
PLACES = "headers and body of an http node, and headers of a flow of kind 'external'"

Path = tuple[str | int, ...]
Piece = str | dict[str, str]


def secrets_of(flow: FlowDefinition) -> frozenset[str]:
    """Return the names of the secrets that a flow's calls use."""
    return frozenset(name for _, name in secret_paths(flow))


def secret_paths(flow: FlowDefinition) -> Iterator[tuple[Path, str]]:
    """Yield each secret that a flow's calls use, with the path in the file."""
    for path, text in _call_texts(flow):
        for inside in _mentions(text):
            if NAME.fullmatch(name := _key(inside)):
                yield path, name


def secret_problems(flow: FlowDefinition) -> Iterator[tuple[Path, str]]:
    """Yield each `{secret.…}` that stands where it may not, or is not written as one."""
    allowed = {path for path, _ in _call_texts(flow)}
    for path, text in _texts(to_definition(flow)):
        for inside in _mentions(text):
            if path not in allowed:
                yield path, f"a secret is not allowed here; allowed: {PLACES}"
            elif not NAME.fullmatch(_key(inside)) or "|" in inside:
                yield path, f"a secret is written {{secret.NAME}}, without a fallback; NAME is {NAME_FORM}"


def with_secrets(text: str, fill: Callable[[str], str]) -> str | list[Piece]:
    """Return the text, rendered by `fill`; if it names secrets, the list of its rendered pieces with `{"secret": NAME}` between."""
    pieces: list[Piece] = []
    end = 0
    for match in PART.finditer(text):
        if match[1] is not None and _is_secret(match[1]):
            pieces += [fill(text[end : match.start()]), {"secret": _key(match[1])}]
            end = match.end()
    return [*pieces, fill(text[end:])] if pieces else fill(text)


def resolved(pieces: str | Sequence[Piece], values: Mapping[str, str]) -> str:
    """Return what `with_secrets` returned as text, with the values. Raises KeyError with the name of a secret that has none."""
    if isinstance(pieces, str):
        return pieces
    return "".join(piece if isinstance(piece, str) else values[piece["secret"]] for piece in pieces)


def _call_texts(flow: FlowDefinition) -> Iterator[tuple[Path, str]]:
    """Yield the texts in which a secret may stand, with their paths."""
    for header, text in flow.headers.items():
        yield ("headers", header), text
    for name, node in flow.nodes.items():
        if isinstance(node, HttpNode):
            for field, texts in (("headers", node.headers), ("body", node.body)):
                for key, text in texts.items():
                    yield ("nodes", name, field, key), text


def _texts(part: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every text of a definition; no key of one can have braces."""
    if isinstance(part, str):
        yield path, part
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from _texts(value, (*path, key))
    elif isinstance(part, list):
        for place, item in enumerate(part):
            yield from _texts(item, (*path, place))


def _mentions(text: str) -> Iterator[str]:
    """Yield what stands in braces and means a secret, however it is spelled."""
    return (match[1] for match in PART.finditer(text) if match[1] is not None and _is_secret(match[1]))


def _is_secret(inside: str) -> bool:
    return re.split(r"[.|]", inside, maxsplit=1)[0].strip().casefold() in {"secret", "secrets"}


def _key(inside: str) -> str:
    """The name in `secret.NAME`; what cannot be one is never equal to the name of a secret."""
    family, _, key = inside.partition("|")[0].partition(".")
    return key.strip() if family.strip() == "secret" else ""
