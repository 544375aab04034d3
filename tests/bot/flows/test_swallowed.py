"""Titles and keywords that STOP or START would take from a flow."""

import json
from typing import Any

import pytest

from bot.flows.load import ReadFlow, read_flow
from bot.opt_out_languages import STOP, STOP_TYPED


def _read(title: str = "Go", keyword: str = "menu", *, node: dict[str, Any] | None = None) -> ReadFlow:
    given = node or {"type": "message", "text": "What now?", "buttons": [{"title": title}]}
    document = {"name": "sample", "keywords": [keyword], "start": "m", "nodes": {"m": given}}
    return read_flow(json.dumps(document, indent=1), "f.yaml")


@pytest.mark.parametrize(
    "node",
    [
        {"type": "message", "text": "What now?", "buttons": [{"title": "Yes"}, {"title": "Unsubscribe"}]},
        {
            "type": "message",
            "text": "What now?",
            "list": {"button": "Open", "sections": [{"rows": [{"title": "Baja"}]}]},
        },
        {"type": "ask", "text": "What now?", "expect": "choice", "choices": ["Yes", "Stop promos"]},
    ],
)
def test_an_option_whose_title_opts_out_is_refused_in_one_line(node: dict[str, Any]) -> None:
    [problem] = _read(node=node).problems
    assert "is a STOP word: who types it is unsubscribed" in problem


@pytest.mark.parametrize(
    ("keyword", "word"),
    [
        ("STOP", "STOP"),
        ("cancel", "STOP"),
        ("Baja", "STOP"),
        ("start", "START"),
        ("Alta", "START"),
        ("Anmelden", "START"),
    ],
)
def test_a_keyword_that_is_a_stop_or_start_word_is_refused_in_one_line(keyword: str, word: str) -> None:
    [problem] = _read(keyword=keyword).problems
    assert f"keywords[0]: {keyword!r} is a {word} word" in problem


@pytest.mark.parametrize("title", ["Start", "Subscribe", "Alta", "Cancel", "Cancelar", "Quit"])
def test_a_title_that_an_open_question_takes_is_allowed_with_a_warning(title: str) -> None:
    found = _read(title)
    assert (found.problems, len(found.warnings)) == ((), 1)
    assert "while this question is not open" in found.warnings[0]


def test_ordinary_titles_and_keywords_pass_without_a_word() -> None:
    found = _read("Stop by our shop", "non-stop")
    assert (found.problems, found.warnings) == ((), ())


@pytest.mark.parametrize("language", sorted(STOP))
def test_the_stop_words_of_every_language_are_refused(language: str) -> None:
    for word in filter(None, (each.strip() for each in STOP[language].split(";"))):
        assert _read(keyword=word).problems
        if len(word) <= 20:
            assert _read(word).problems


@pytest.mark.parametrize("language", sorted(STOP_TYPED))
def test_the_everyday_stop_words_of_every_language_are_refused_as_keywords(language: str) -> None:
    assert all(_read(keyword=word.strip()).problems for word in STOP_TYPED[language].split(";"))
