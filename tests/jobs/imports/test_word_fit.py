"""Which languages can have a word."""

import pytest

from jobs.imports.word_fit import fitting_languages


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("Muñoz", "es"), ("MUÑOZ", "es"), ("Pérez-Ñíguez", "es"), ("¿Qué", "es"), ("1º", "es"), ("20€", "de"),
        ("D’Été", "fr"), ("Cœur", "fr"), ("McÉna", "fr"), ("Groß", "de"), ("Jääskeläinen", "fi"), ("Col·lègi", "ca"),
        ("Иван", "ru"), ("Γιώργος", "el"), ("משה", "he"), ("สมชาย", "th"), ("“Ana", "es"),
    ],
)  # fmt: skip
def test_a_word_of_a_language_fits_it(word: str, language: str) -> None:
    assert fitting_languages(word, (language,), "cp1252") == {language}


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("Muńoz", "es"), ("JosÈ", "it"), ("Garc¡a", "es"), ("M\xa0laga", "es"), ("Àííà", "pt"), ("Èâàí", "fr"), ("Noœl", "fr"),
        ("Водаville", "ru"), ("иВАН", "ru"), ("Fan°", "da"), ("Mañb–", "de"), ("ZĄbki", "pl"),
        ("Οιΰώψορ", "el"), ("–απαδ", "el"),
    ],
)  # fmt: skip
def test_what_another_code_page_makes_of_a_word_does_not_fit(word: str, language: str) -> None:
    assert fitting_languages(word, (language,), "cp1252") == frozenset()


def test_frequent_characters_tell_the_languages_without_an_alphabet() -> None:
    assert fitting_languages("山田", ("ja",), "cp932") == {"ja"}
    assert fitting_languages("王小明", ("zh",), "gbk") == {"zh"}
    assert fitting_languages("김철수", ("ko",), "cp949") == {"ko"}
    assert fitting_languages("鼈鼕", ("zh",), "gbk") == frozenset()
    assert fitting_languages("Jos呵a", ("zh",), "gbk") == frozenset()
