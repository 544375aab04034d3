"""Which of a campaign's languages a contact gets: alike in Python and in both databases, and as the file says."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import String, literal, select
from sqlalchemy.orm import Session

from models.templates.languages import LanguageChoice, plain_language

CODES = ["en", "en_US", "en_GB", "es", "es_ES", "es_MX", "es_AR", "pt_BR", "pt_PT", "zh_CN", "zh_HK", "fil", "ast"]
SPELLINGS = [
    "",
    " ",
    "EN",
    "en-us",
    "PT_br",
    "pt-BR",
    " pt ",
    "es_419",
    "e",
    "en_",
    "_en",
    "es%",
    "e_",
    "zh-Hant-TW",
    "xx",
]


def oracle(languages: Sequence[str], fallback: str | None, language: str | None) -> str | None:
    """The rule in its own words: the same; the same without a region; the first of the same in another; the fallback."""
    wanted = (language or "").strip(" ").replace("-", "_").lower()
    base = wanted.split("_")[0]
    for code in languages:
        if code.lower() == wanted:
            return code
    for code in languages:
        if code.lower() == base:
            return code
    for code in languages:
        if code.lower().split("_")[0] == base:
            return code
    return fallback


@pytest.mark.parametrize(
    ("languages", "fallback", "language", "expected"),
    [
        (["en", "es", "pt_BR"], "en", "pt", "pt_BR"),
        (["en", "es", "pt_BR"], "en", "pt-PT", "pt_BR"),
        (["es_ES", "es"], None, "es_MX", "es"),
        (["es_AR", "es_ES"], None, "es_MX", "es_AR"),
        (["es_AR", "es_ES"], None, "es", "es_AR"),
        (["es_AR", "es_ES"], None, "ES-es", "es_ES"),
        (["en"], None, "es", None),
        (["en"], "en", None, "en"),
        (["en"], None, None, None),
        (["en", "fil"], None, "fi", None),
    ],
)
def test_the_same_language_then_without_a_region_then_in_another_then_the_fallback(
    languages: list[str], fallback: str | None, language: str | None, expected: str | None
) -> None:
    position = LanguageChoice(languages, fallback).position_of(language)
    assert (None if position is None else languages[position]) == expected
    assert oracle(languages, fallback, language) == expected


def test_one_spelling_of_a_language() -> None:
    assert {plain_language(code) for code in ("pt-BR", "PT_br", " pt_BR ")} == {"pt_br"}


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_and_python_choose_what_the_rule_says(session: Session, data: st.DataObject) -> None:
    languages = data.draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=6, unique=True))
    fallback = data.draw(st.one_of(st.none(), st.sampled_from(languages)))
    choice = LanguageChoice(languages, fallback)
    for language in [*data.draw(st.lists(st.sampled_from(CODES), max_size=4)), *SPELLINGS, None]:
        expected = oracle(languages, fallback, language)
        position = choice.position_of(language)
        assert (None if position is None else languages[position]) == expected, language
        assert session.scalar(select(choice.position_sql(literal(language, String)))) == position, language
