"""Draws a bot flow as a graph in layers from the start, as SVG."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from pydantic import ValidationError

from bot.flows.nodes import AnyNode, BranchNode, FlowDefinition, from_definition, options_of, targets

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN, BELOW = 168, 46, 104, 30, 12, 26
_EDGE_LABELS = {"next": "", "otherwise": "otherwise", "failed": "failed", "on_reply": "on a reply"}
_MAX_CHARACTERS = 24


@dataclass(frozen=True)
class _Place:
    x: float
    y: float


def draw_flow(definition: Mapping[str, Any]) -> Markup | None:
    """The graph; None if the flow has no nodes (an external bot) or its definition cannot be read."""
    try:
        flow = from_definition(definition)
    except ValidationError:
        return None
    if not flow.nodes or not flow.start:
        return None
    places, size = _layout(flow)
    edges = [
        _edge(flow, name, to, path, places)
        for name, node in flow.nodes.items()
        for path, to in targets(node)
        if to in places
    ]
    boxes = [_box(flow, name, node, places[name]) for name, node in flow.nodes.items()]
    return Markup(
        '<svg class="graph" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" role="img" '
        'aria-label="How a chat can go">{2}{3}</svg>'
    ).format(size.x, size.y, Markup("").join(edges), Markup("").join(boxes))


def _layout(flow: FlowDefinition) -> tuple[dict[str, _Place], _Place]:
    """Layers by the shortest path from the start; unreachable nodes are in the last one."""
    depth: dict[str, int] = {str(flow.start): 0}
    waiting = [str(flow.start)]
    for name in waiting:
        for _, to in targets(flow.nodes[name]):
            if to in flow.nodes and to not in depth:
                depth[to] = depth[name] + 1
                waiting.append(to)
    last = max(depth.values()) + 1
    layers: dict[int, list[str]] = {}
    for name in [*waiting, *(other for other in flow.nodes if other not in depth)]:
        layers.setdefault(depth.get(name, last), []).append(name)
    tallest = max(len(names) for names in layers.values())
    height = MARGIN * 2 + tallest * HEIGHT + (tallest - 1) * DOWN
    places = {}
    for layer, names in layers.items():
        top = (height - len(names) * HEIGHT - (len(names) - 1) * DOWN) / 2
        for row, name in enumerate(names):
            places[name] = _Place(MARGIN + layer * (WIDTH + ACROSS), top + row * (HEIGHT + DOWN))
    return places, _Place(MARGIN * 2 + max(layers) * (WIDTH + ACROSS) + WIDTH, height + BELOW)


def _edge(
    flow: FlowDefinition, name: str, to: str, path: tuple[str | int, ...], places: Mapping[str, _Place]
) -> Markup:
    start, end = places[name], places[to]
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT / 2, end.x, end.y + HEIGHT / 2
    if end.x > start.x:
        bend = (x2 - x1) / 2
        line = f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2 - 5:.0f} {y2:.0f}"
    else:  # backwards or within a layer: the line goes around below
        x1, y1, x2, y2 = start.x + WIDTH / 2, start.y + HEIGHT, end.x + WIDTH / 2, end.y + HEIGHT
        low = max(y1, y2) + 18
        line = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {low:.0f} {x2:.0f} {low:.0f} {x2:.0f} {y2 + 5:.0f}"
    tip = f"M{x2 - 7:.0f} {y2 - 3.5:.1f}L{x2:.0f} {y2:.0f}L{x2 - 7:.0f} {y2 + 3.5:.1f}Z"
    if end.x <= start.x:
        tip = f"M{x2 - 3.5:.1f} {y2 + 7:.0f}L{x2:.0f} {y2:.0f}L{x2 + 3.5:.1f} {y2 + 7:.0f}Z"
    label = _edge_label(flow.nodes[name], path)
    words = Markup('<text class="way" x="{:.0f}" y="{:.0f}" text-anchor="end">{}</text>').format(x2 - 10, y2 - 6, label)
    return Markup('<path d="{}"/><path class="tip" d="{}"/>{}').format(
        line, tip, words if label and end.x > start.x else ""
    )


def _box(flow: FlowDefinition, name: str, node: AnyNode, place: _Place) -> Markup:
    kind = str(getattr(node, "type", ""))
    classes = f"kind-{kind}" + (" start" if name == flow.start else "")
    text = getattr(node, "text", None) or getattr(node, "url", None) or getattr(node, "reason", None) or ""
    return Markup(
        '<g class="{}"><title>{}</title><rect x="{:.0f}" y="{:.0f}" width="{}" height="{}" rx="8"/>'
        '<text x="{:.0f}" y="{:.0f}">{}</text><text class="kind" x="{:.0f}" y="{:.0f}">{}</text></g>'
    ).format(
        classes, f"{name}: {text}" if text else name, place.x, place.y, WIDTH, HEIGHT, place.x + 11, place.y + 20,
        _short(name), place.x + 11, place.y + 36, _short(f"{kind} · {text}" if text else kind, 25),
    )  # fmt: skip


def _edge_label(node: AnyNode, path: tuple[str | int, ...]) -> str:
    if len(path) == 1:
        return _EDGE_LABELS.get(str(path[0]), "")
    if isinstance(node, BranchNode):
        return f"case {int(path[1]) + 1}"
    title = next((option.title for where, option in options_of(node) if where == path[:-1]), "")
    return _short(title, 14)


def _short(text: str, max_characters: int = _MAX_CHARACTERS) -> str:
    text = " ".join(text.split())
    return text if len(text) <= max_characters else f"{text[: max_characters - 1]}…"
