"""Draws line charts as SVG on the server: for wide and for narrow screens, with a text for screen readers, and printable.

Lines differ by their dashes as well as by their colours. The table of the data stands behind each chart in the page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

WIDE, NARROW = (760, 270), (380, 250)
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 26
GRID = 4
At = Callable[[int, float], tuple[float, float]]
"""The place in the drawing of a value at a label."""


@dataclass(frozen=True)
class Line:
    """A named line. `values` has a place for each label, None where nothing is known; `band`: the low and high of each."""

    name: str
    values: Sequence[float | None]
    band: Sequence[tuple[float, float] | None] = ()


def line_chart(key: str, title: str, lines: Sequence[Line], labels: Sequence[str], unit: str = "") -> Markup:
    """The chart. `key` is unique in the page; `title` says what is drawn, the description what the lines come to."""
    described = "; ".join(_described(line, labels, unit) for line in lines) or "No data."
    wide = _drawing(f"{key}-wide", title, described, lines, labels, unit, WIDE)
    narrow = _drawing(f"{key}-narrow", title, described, lines, labels, unit, NARROW)
    legend = Markup("").join(
        Markup(
            '<li><svg class="key" viewBox="0 0 26 8" aria-hidden="true"><path class="line line-{}" d="M0 4H26"/></svg>{}</li>'
        ).format(place, line.name)
        for place, line in enumerate(lines)
    )
    return Markup('<div class="line-chart">{}{}<ul class="legend">{}</ul></div>').format(wide, narrow, legend)


def _described(line: Line, labels: Sequence[str], unit: str) -> str:
    known = [(value, label) for value, label in zip(line.values, labels, strict=False) if value is not None]
    if not known:
        return f"{line.name}: nothing yet"
    (low, low_at), (high, high_at), (last, last_at) = min(known), max(known), known[-1]
    return (
        f"{line.name}: lowest {_text(low)}{unit} ({low_at}), highest {_text(high)}{unit} ({high_at}), "
        f"last {_text(last)}{unit} ({last_at})"
    )


def _drawing(
    key: str, title: str, described: str, lines: Sequence[Line], labels: Sequence[str], unit: str, size: tuple[int, int]
) -> Markup:
    width, height = size
    highest = _ceiling(
        max(
            [value for line in lines for value in line.values if value is not None]
            + [pair[1] for line in lines for pair in line.band if pair is not None],
            default=0.0,
        )
    )
    right, bottom = width - RIGHT, height - BOTTOM

    def at(place: int, value: float) -> tuple[float, float]:
        across = place / (len(labels) - 1) if len(labels) > 1 else 0.5
        return LEFT + across * (right - LEFT), bottom - value / highest * (bottom - TOP)

    parts = [_grid(highest, unit, right, bottom), _labels(labels, at, 4 if size == NARROW else 8, bottom)]
    for place, line in enumerate(lines):
        parts.append(_band(line, at, place))
        parts.append(_line(line, at, place))
    is_narrow = size == NARROW
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>'
    ).format(
        "chart-narrow" if is_narrow else "chart-wide",
        width, height, key, key, key, title, key, described, Markup("").join(parts),
    )  # fmt: skip


def _grid(highest: float, unit: str, right: float, bottom: float) -> Markup:
    lines = []
    for step in range(GRID + 1):
        y = bottom - step / GRID * (bottom - TOP)
        shown = _text(highest * step / GRID)
        lines.append(
            Markup(
                '<path class="grid" d="M{} {:.1f}H{}"/><text class="axis" x="{}" y="{:.1f}" text-anchor="end">{}{}</text>'
            ).format(LEFT, y, right, LEFT - 6, y + 4, shown, unit)
        )
    return Markup("").join(lines)


def _labels(labels: Sequence[str], at: At, most: int, bottom: float) -> Markup:
    if not labels:
        return Markup("")
    every = ceil(len(labels) / most)
    texts = []
    for place in range(0, len(labels), every):
        x, _ = at(place, 0.0)
        anchor = "start" if place == 0 and len(labels) > 1 else "middle"
        if len(labels) > 1 and place == len(labels) - 1:
            anchor = "end"
        texts.append(
            Markup('<text class="axis" x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(
                x, bottom + 18, anchor, labels[place]
            )
        )
    return Markup("").join(texts)


def _line(line: Line, at: At, place: int) -> Markup:
    """The line, broken where nothing is known; a lone point is a dot."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(line.values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(at(index, value))
    drawn = []
    for piece in pieces:
        if len(piece) == 1:
            drawn.append(
                Markup('<circle class="dot dot-{}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(place, *piece[0])
            )
        elif piece:
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in piece)
            drawn.append(Markup('<path class="line line-{}" d="M{}"/>').format(place, path))
    return Markup("").join(drawn)


def _band(line: Line, at: At, place: int) -> Markup:
    known = [(index, pair) for index, pair in enumerate(line.band) if pair is not None]
    if len(known) < 2:
        return Markup("")
    upper = [at(index, pair[1]) for index, pair in known]
    lower = [at(index, pair[0]) for index, pair in reversed(known)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in [*upper, *lower])
    return Markup('<path class="band band-{}" d="M{}Z"/>').format(place, path)


def _ceiling(highest: float) -> float:
    """The next round number: 1, 2, 4, 5, 8 or 10 times a power of ten."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** floor(log10(highest))
    return next(factor * power for factor in (1, 2, 4, 5, 8, 10) if factor * power >= highest)


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}" if value < 1 else f"{value:.1f}"
