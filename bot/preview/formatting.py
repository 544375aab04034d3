"""Formats a text as WhatsApp does: paragraphs, quotes, lists, monospace blocks, and the marks inside a line.

Each line is a paragraph with a direction of its own, so Arabic and Hebrew run from the right in an English message.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from bot.preview.elements import element, joined, void
from bot.preview.filled_text import FilledText, SlotState
from bot.preview.inline import InlineParser, Leaf, Node

_QUOTE = re.compile(r"> (?=\s*\S)")
_BULLET = re.compile(r"[*-] (?=\s*\S)")
_NUMBER = re.compile(r"([0-9]{1,3})\. (?=\s*\S)")
_SCHEMES = ("http://", "https://", "mailto:", "tel:")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line: its kind, where its content starts and ends, and the number of a numbered one."""

    kind: str
    start: int
    end: int
    number: str = ""


def formatted(filled: FilledText, *, opens_links: bool = False) -> Markup:
    """The HTML of a text with WhatsApp's formatting. `opens_links`: whether a link can be followed."""
    writer = _Writer(filled, opens_links)
    return joined(*writer.blocks())


def plain(filled: FilledText) -> Markup:
    """The HTML of a text in which WhatsApp formats nothing, such as a header or a footer; its values are marked."""
    return _leaf(filled, 0, len(filled.text))


class _Writer:
    def __init__(self, filled: FilledText, opens_links: bool) -> None:
        self._filled = filled
        self._opens_links = opens_links
        self._parser = InlineParser(filled.text)

    def blocks(self) -> Iterator[Markup]:
        group: list[_Line] = []
        for line in self._lines():
            if group and (line.kind != group[0].kind or line.kind == "p"):
                yield self._block(group)
                group = []
            group.append(line)
        if group:
            yield self._block(group)

    def _lines(self) -> Iterator[_Line]:
        text, start = self._filled.text, 0
        for end in [*self._breaks(), len(text)]:
            line = _Line("p", start, end)
            for kind, pattern in (("blockquote", _QUOTE), ("ul", _BULLET), ("ol", _NUMBER)):
                match = pattern.match(text, start, end)
                if match:
                    line = _Line(kind, match.end(), end, match[1] if kind == "ol" else "")
            yield line
            start = end + 1

    def _breaks(self) -> Iterator[int]:
        """The places of the line breaks outside of monospace blocks."""
        fences, text = self._parser.fences, self._filled.text
        inside = (place for fence in fences for place in range(fence.start, fence.end))
        hidden = set(inside)
        return (place for place, character in enumerate(text) if character == "\n" and place not in hidden)

    def _block(self, lines: list[_Line]) -> Markup:
        kind = lines[0].kind
        if kind == "p":
            return element("p", self._content(lines[0]), dir="auto")
        if kind == "blockquote":
            return element("blockquote", *(element("p", self._content(line), dir="auto") for line in lines))
        # The list has the direction, so that its bullets stand on the side on which its text begins.
        return element(
            kind, *(element("li", self._content(line), value=line.number or None) for line in lines), dir="auto"
        )

    def _content(self, line: _Line) -> Markup:
        if line.start == line.end:
            return void("br")
        return joined(*(self._node(node) for node in self._parser.nodes(line.start, line.end)))

    def _node(self, node: Node) -> Markup:
        if not isinstance(node, Leaf):
            return element(node.tag, *(self._node(child) for child in node.children))
        content = _leaf(self._filled, node.start, node.end)
        if node.kind == "link":
            can_open = self._opens_links and node.href.startswith(_SCHEMES)
            return (
                element("a", content, class_="wa-link", href=node.href, rel="noopener noreferrer", target="_blank")
                if can_open
                else element("span", content, class_="wa-link")
            )
        return element("code", content) if node.kind in ("code", "fence") else content


def _leaf(filled: FilledText, start: int, end: int) -> Markup:
    """The characters from `start` to `end`, the values among them marked."""
    parts, position = [], start
    for slot in filled.slots:
        first, last = max(slot.start, start), min(slot.end, end)
        if first >= last or slot.state is SlotState.SENT:
            continue
        parts.append(joined(filled.text[position:first]))
        state = f"wa-slot wa-{slot.state}"
        parts.append(element("mark", filled.text[first:last], class_=state, title=slot.note or None))
        position = last
    return joined(*parts, filled.text[position:end])
