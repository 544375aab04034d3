"""WhatsApp's formatting: what is formatted, what is not, and that no text is lost or becomes markup."""

import html
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.preview.filled_text import FilledText, SlotState, SlotValue, fill
from bot.preview.formatting import formatted

ELEMENTS = r"</?(p|strong|em|s|code|ul|ol|li|blockquote|span|mark|br)( [a-z]+=\"[^\"<>]*\")*>"
MARKS = "*_~`>-.0123456789 \n"


def shown(text: str) -> str:
    """The HTML of a text without the paragraphs' directions."""
    return str(formatted(FilledText(text))).replace(' dir="auto"', "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*bold*", "<p><strong>bold</strong></p>"),
        ("_it_ ~no~", "<p><em>it</em> <s>no</s></p>"),
        ("*_both_*", "<p><strong><em>both</em></strong></p>"),
        ("*a _b_ c*", "<p><strong>a <em>b</em> c</strong></p>"),
        ("_*~all~*_", "<p><em><strong><s>all</s></strong></em></p>"),
        ("(*in brackets*)!", "<p>(<strong>in brackets</strong>)!</p>"),
        ("*two* and *three*", "<p><strong>two</strong> and <strong>three</strong></p>"),
        ("`code *not bold*`", "<p><code>code *not bold*</code></p>"),
        ("```mono *not bold*```", "<p><code>mono *not bold*</code></p>"),
        ("a ```two\nlines``` b", "<p>a <code>two\nlines</code> b</p>"),
        ("> quote *b*\n> more", "<blockquote><p>quote <strong>b</strong></p><p>more</p></blockquote>"),
        ("- one\n* two", "<ul><li>one</li><li>two</li></ul>"),
        ("1. one\n7. _two_", '<ol><li value="1">one</li><li value="7"><em>two</em></li></ol>'),
        ("one\n\ntwo", "<p>one</p><p><br></p><p>two</p>"),
        ("*не* *مهم*", "<p><strong>не</strong> <strong>مهم</strong></p>"),
        ("*https://x.test/a_b_c*", '<p><strong><span class="wa-link">https://x.test/a_b_c</span></strong></p>'),
    ],
)
def test_what_whatsapp_formats_is_formatted(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    ["2*3*4", "snake_case_name", "x * not bold*", "*not bold *", "*over\nlines*", "**", "****", "__", "a*b* c", "*a*b", "~ ~", "``",
     "``````", ">no space", "-no space", "1.no space", "- ", "> ", "12345. far"],
)  # fmt: skip
def test_marks_inside_words_or_beside_spaces_stay_as_they_are(text: str) -> None:
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n"))
    assert shown(text) == lines


def test_marks_that_cross_are_not_nested() -> None:
    assert shown("*a _b* c_") == "<p><strong>a _b</strong> c_</p>"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://x.test/a_b?c=*d*, please", "https://x.test/a_b?c=*d"),
        ("(www.example.com).", "www.example.com"),
        ("shop at example.com/spring!", "example.com/spring"),
        ("to help@x.test.", "help@x.test"),
        ("call +34 600 000 001 now", "+34 600 000 001"),
    ],
)
def test_a_link_is_highlighted_without_what_follows_it(text: str, link: str) -> None:
    assert f'<span class="wa-link">{html.escape(link)}</span>' in shown(text)
    assert "<a " not in shown(text)


@pytest.mark.parametrize("text", ["e.g. this", "12.30", "file.txt", "one.Two", "javascript:alert(1)"])
def test_other_dots_are_no_links(text: str) -> None:
    assert "wa-link" not in shown(text)


def test_a_link_can_be_followed_only_where_that_is_asked_for_and_never_runs_a_script() -> None:
    opened = str(formatted(FilledText("javascript:alert(1) https://x.test/?a=1&b=\"2'"), opens_links=True))
    assert 'href="https://x.test/?a=1&amp;b="' in opened
    assert opened.count("href=") == 1
    assert 'rel="noopener noreferrer"' in opened


def test_values_are_marked_whatever_formats_them_and_what_is_missing_is_marked_too() -> None:
    values = {"1": SlotValue("Ana _Maria_"), "2": SlotValue("", note="tag size")}
    text = str(formatted(fill("*Hi {{1}}* {{2}}", values)))
    mark = '<mark class="wa-slot wa-value">'
    assert f"<strong>Hi {mark}Ana </mark><em>{mark}Maria</mark></em></strong>" in text
    assert '<mark class="wa-slot wa-missing" title="tag size">{{2}}</mark>' in text


def test_what_was_sent_is_not_marked() -> None:
    assert "mark" not in str(formatted(fill("Hi {{1}}", {"1": SlotValue("Ana", SlotState.SENT)})))


def test_each_line_has_a_direction_of_its_own() -> None:
    text = str(formatted(FilledText("مرحبا\nhello\n- شيء")))
    assert text == '<p dir="auto">مرحبا</p><p dir="auto">hello</p><ul dir="auto"><li>شيء</li></ul>'


PIECES = st.lists(
    st.sampled_from(["*", "_", "~", "`", "```", "> ", "- ", "1. ", "\n", " ", "a", "Ñ", "مر", "<b>", "&amp;", '"', "'", "{{1}}",
                     "https://x.test/a_b", "🎉", "\u200f", "\t"])
    | st.text(max_size=3),
    max_size=25,
).map("".join)  # fmt: skip


@given(PIECES, PIECES)
def test_no_text_is_lost_and_none_becomes_markup(text: str, value: str) -> None:
    filled = fill(text, {"1": SlotValue(value)})
    drawn = str(formatted(filled))
    bare = re.sub(ELEMENTS, "", drawn)
    assert "<" not in bare
    assert ">" not in bare
    assert not re.search(r"&(?!(amp|lt|gt|#34|#39);)", bare)
    content = html.unescape(bare)
    assert letters(content) == letters(filled.text)


def letters(text: str) -> str:
    """A text without what formatting takes away: marks and the beginnings of lines."""
    return "".join(character for character in text if character not in MARKS)


@pytest.mark.parametrize("piece", ["*a ", "`", "```", "_*~", "a@", "> ", " ", "{{1}}", "x.", "http://", "*a* ", "+1 "])
def test_a_text_of_a_hundred_thousand_characters_takes_no_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    begun = time.process_time()
    formatted(FilledText(text))
    assert time.process_time() - begun < 5
