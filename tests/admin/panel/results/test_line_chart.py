"""Charts can be read without seeing them, and without colours."""

import re

import pytest

from admin.panel.results.line_chart import Line, line_chart

SVG = re.compile(r'<svg class="chart-(wide|narrow)".*?</svg>', re.DOTALL)


def test_a_chart_has_a_title_and_says_what_its_lines_come_to() -> None:
    drawn = line_chart("x", "Read <b>, by week", [Line("Spring", [10.0, None, 42.5])], ["a", "b", "c"], "%")
    assert [found[1] for found in SVG.finditer(drawn)] == ["wide", "narrow"]
    for place in ("wide", "narrow"):
        assert f'role="img" aria-labelledby="x-{place}-title x-{place}-desc"' in drawn
        assert f'<title id="x-{place}-title">Read &lt;b&gt;, by week</title>' in drawn
    assert "Spring: lowest 10% (a), highest 42.5% (c), last 42.5% (c)" in drawn


def test_a_line_is_broken_where_nothing_is_known_and_a_lone_point_is_a_dot() -> None:
    drawn = str(line_chart("x", "T", [Line("A", [1.0, 2.0, None, 3.0])], ["a", "b", "c", "d"]))
    wide = next(SVG.finditer(drawn))[0]
    assert (wide.count('class="line line-0"'), wide.count("<circle")) == (1, 1)


def test_the_axis_reaches_the_next_round_number_and_a_band_is_inside_of_it() -> None:
    drawn = str(line_chart("x", "T", [Line("A", [30.0, 41.0], [(20.0, 40.0), (30.0, 72.0)])], ["a", "b"], "%"))
    assert ">80%<" in drawn
    assert 'class="band band-0"' in drawn


@pytest.mark.parametrize("lines", [[], [Line("A", [])], [Line("A", [None, None])], [Line("A", [0.0])]])
def test_nothing_is_drawn_as_nothing(lines: list[Line]) -> None:
    assert "nan" not in str(line_chart("x", "T", lines, ["a", "b"])).lower()


def test_names_are_escaped() -> None:
    assert "<i>" not in str(line_chart("x", "<i>", [Line("<i>", [1.0])], ["<i>"], "<i>"))
