"""Finds WhatsApp's marks inside a line of text: *bold*, _italic_, ~struck~, `code`, and links.

A mark opens before a character that is no space, and after the line's beginning, a space or punctuation; it closes the other way
round, on the same line. So `snake_case_name` and `2*3*4` stay as they are. Inside code and links nothing is formatted.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

TAGS = {"*": "strong", "_": "em", "~": "s"}
_FENCE = re.compile(r"```(.+?)```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(
    r"(?<![\w@./-])(?:"
    r"(?P<web>https?://[^\s<>\"]+|www\.[^\s<>\"]+)"
    r"|(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"
    r"|(?P<bare>(?:[a-z0-9-]{1,63}\.){1,4}(?:com|net|org|shop|store|io|app|dev|info|biz|co|eu|de|es|fr|it|nl|br|pt|uk|us|mx|me|ly|be)"
    r"(?![\w.-]*\w)(?:/[^\s<>\"]*)?)"
    r"|(?P<phone>\+\d(?:[ -]?\d){6,14})(?!\d)"
    r")",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'\")]}*_~>"
Kind = Literal["text", "code", "fence", "link"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """Characters `start` up to and without `end`, in which nothing more is formatted. `href`: where a link leads."""

    kind: Kind
    start: int
    end: int
    href: str = ""


@dataclass(frozen=True, slots=True)
class Styled:
    """What stands between two marks. `tag` is an HTML element's name."""

    tag: str
    children: tuple["Node", ...]


Node = Leaf | Styled


@dataclass(frozen=True, slots=True)
class _Atom:
    """Code or a link with its marks: `start` to `end`, of which the leaf is shown."""

    start: int
    end: int
    leaf: Leaf


class InlineParser:
    """Reads the marks of one text; `nodes` gives those of a line of it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._atoms = sorted(_atoms(text), key=lambda atom: atom.start)
        self._atom_at = {atom.start: atom for atom in self._atoms}
        self._closers = {mark: self._closers_of(mark) for mark in TAGS}
        self.fences = [atom for atom in self._atoms if atom.leaf.kind == "fence"]

    def nodes(self, start: int, end: int, marks: frozenset[str] = frozenset()) -> tuple[Node, ...]:
        """The nodes of the characters from `start` to `end`. `marks`: those that are open."""
        nodes: list[Node] = []
        plain = position = start
        while position < end:
            atom = self._atom_at.get(position)
            character = self._text[position]
            closer = None
            if atom is None and character in TAGS and character not in marks and self._opens(position):
                closer = self._closer(character, position, end)
            if (atom is None and closer is None) or (atom is not None and atom.end > end):
                position += 1
                continue
            if plain < position:
                nodes.append(Leaf("text", plain, position))
            if atom is not None:
                nodes.append(atom.leaf)
                position = plain = atom.end
            elif closer is not None:
                nodes.append(Styled(TAGS[character], self.nodes(position + 1, closer, marks | {character})))
                position = plain = closer + 1
        if plain < end:
            nodes.append(Leaf("text", plain, end))
        return tuple(nodes)

    def _opens(self, place: int) -> bool:
        before = self._text[place - 1] if place else " "
        after = self._text[place + 1] if place + 1 < len(self._text) else " "
        mark = self._text[place]
        return not before.isalnum() and before != mark and not after.isspace() and after != mark

    def _closer(self, mark: str, opened: int, end: int) -> int | None:
        places = self._closers[mark]
        index = bisect_right(places, opened + 1)
        if index == len(places) or places[index] >= end:
            return None
        return places[index] if "\n" not in self._text[opened : places[index]] else None

    def _closers_of(self, mark: str) -> list[int]:
        """The places at which a mark can close, outside of code and links, found once: from each mark it would be quadratic."""
        text, places, skip_to, atoms = self._text, [], 0, iter(self._atoms)
        atom = next(atoms, None)
        for place, character in enumerate(text):
            if atom is not None and place >= atom.start:
                skip_to, atom = atom.end, next(atoms, None)
            if place < skip_to or character != mark or place == 0:
                continue
            before, after = text[place - 1], text[place + 1] if place + 1 < len(text) else " "
            if not before.isspace() and before != mark and not after.isalnum() and after != mark:
                places.append(place)
        return places


def _atoms(text: str) -> Iterator[_Atom]:
    """Fences, code outside of fences, links outside of both."""
    taken = bytearray(len(text))
    for kind, pattern in (("fence", _FENCE), ("code", _CODE)):
        for match in pattern.finditer(text):
            if match[1].strip("` \n") and not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = b"\x01" * len(match[0])
                leaf = Leaf("fence" if kind == "fence" else "code", match.start(1), match.end(1))
                yield _Atom(match.start(), match.end(), leaf)
    for match in _LINK.finditer(text):
        end = match.start() + len(match[0].rstrip(_TRAILING))
        if end > match.start() and not any(taken[match.start() : end]):
            yield _Atom(match.start(), end, Leaf("link", match.start(), end, _href(match, text[match.start() : end])))


def _href(match: re.Match[str], text: str) -> str:
    if match["mail"]:
        return f"mailto:{text}"
    if match["phone"]:
        return "tel:" + re.sub(r"[^+\d]", "", text)
    return text if "://" in text else f"https://{text}"
