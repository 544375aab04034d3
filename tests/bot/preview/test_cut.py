"""Where a long text is cut."""

import pytest

from bot.preview.cut import CHARACTERS, LINE_WIDTH, cut_of


@pytest.mark.parametrize(
    "text",
    ["", "short", "one\ntwo\nthree\nfour\nfive", "one\n\n\n\nfive", "one\n\n\n\nfive\n  \n", "a" * LINE_WIDTH * 5],
)
def test_five_lines_of_a_marketing_template_are_not_cut(text: str) -> None:
    assert cut_of(text, is_marketing=True) is None


def test_the_sixth_line_is_behind_read_more() -> None:
    text = "one\ntwo\nthree\nfour\nfive\nsix"
    assert cut_of(text, is_marketing=True) == text.index("\nsix")


def test_long_lines_are_wrapped_at_words() -> None:
    text = "seventeen letters " * 20
    cut = cut_of(text, is_marketing=True)
    assert cut is not None
    assert text[cut - 1] == " "
    assert 5 * LINE_WIDTH - 40 <= cut <= 5 * LINE_WIDTH + 5


def test_wide_letters_take_the_place_of_two() -> None:
    assert cut_of("字" * (LINE_WIDTH * 5 // 2), is_marketing=True) is None
    assert cut_of("字" * (LINE_WIDTH * 5 // 2 + 1), is_marketing=True) == LINE_WIDTH * 5 // 2


@pytest.mark.parametrize(("length", "cut"), [(CHARACTERS, None), (CHARACTERS + 1, CHARACTERS), (4096, CHARACTERS)])
def test_other_messages_are_cut_by_characters(length: int, cut: int | None) -> None:
    assert cut_of("a" * length, is_marketing=False) == cut
