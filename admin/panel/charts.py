"""Draws charts as SVG on the server, so that they need no script and no other host."""

from collections.abc import Sequence

from markupsafe import Markup

HEIGHT = 128
_STEP, _BAR = 100, 58


def funnel(values: Sequence[int]) -> Markup:
    """A funnel from left to right, a stage per value; the largest value fills the height."""
    largest = max([*values, 1])
    halves = [max(HEIGHT / 2 * value / largest, 1.0 if value else 0.35) for value in values]
    middle, shapes = HEIGHT / 2, []
    for place, half in enumerate(halves):
        left = place * _STEP
        shapes.append(
            Markup('<rect class="stage" x="{}" y="{:.2f}" width="{}" height="{:.2f}" rx="2"/>').format(
                left, middle - half, _BAR, 2 * half
            )
        )
        if place + 1 < len(halves):
            after = halves[place + 1]
            shapes.append(
                Markup('<path class="between" d="M{} {:.2f}L{} {:.2f}V{:.2f}L{} {:.2f}Z"/>').format(
                    left + _BAR, middle - half, left + _STEP, middle - after, middle + after, left + _BAR, middle + half
                )
            )
    width = (len(values) - 1) * _STEP + _BAR + 42
    return Markup(
        '<svg class="funnel-shape" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(width, HEIGHT, Markup("").join(shapes))
