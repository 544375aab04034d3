"""Values shown in a format, by the language of the template."""

from typing import Any

import pytest

from models.templates.formats import FormatError, ValueFormats, can_have_format, currency_problem, shown_value


@pytest.mark.parametrize(
    ("form", "language", "value", "shown"),
    [
        ("upper", "en", "straße", "STRASSE"),
        ("upper", "tr", "istanbul", "İSTANBUL"),
        ("lower", "tr", "ISPARTA", "ısparta"),
        ("lower", "en", "ANA", "ana"),
        ("title", "en", "anna-maria O'NEILL", "Anna-Maria O'Neill"),
        ("title", "en", "JOHN'S shop", "John's Shop"),
        ("title", "es", "ÁNGEL de la cruz", "Ángel De La Cruz"),
        ("date", "en", "2026-12-24", "December 24, 2026"),
        ("date", "es", "2026-12-24", "24 de diciembre de 2026"),
        ("date", "pt_BR", "2026-12-24", "24 de dezembro de 2026"),
        ("date", "de", "2026-03-01T23:30:00+00:00", "2. März 2026"),
        ("date", "de", "2026-03-01T23:30:00", "1. März 2026"),
        ("date", "xx_YY", "2026-12-24", "December 24, 2026"),
        ("money", "de", "19.90 EUR", "19,90\u00a0€"),
        ("money", "en_US", "1234.5 USD", "$1,234.50"),
        ("money", "ja", "1200 JPY", "￥1,200"),
        (None, "en", "as it is", "as it is"),
    ],
)
def test_a_value_is_shown_by_the_language(form: str | None, language: str, value: str, shown: str) -> None:
    source = {"source": "text", "text": "…", "format": form}
    assert shown_value(value, source, language, "Europe/Madrid") == shown


@pytest.mark.parametrize(
    ("form", "value", "why"),
    [
        ("date", "tomorrow", "“tomorrow” is no day such as 2026-12-24"),
        ("date", "2026-02-30", "“2026-02-30” is no day such as 2026-12-24"),
        ("money", "a lot", "“a lot” is no amount such as 19.90"),
        ("money", "1.290,00", "“1.290,00” is no amount such as 19.90"),
        ("money", "19.90", "“19.90” has no currency"),
        ("money", "19.90 XXQ", "“19.90 XXQ” has no currency"),
    ],
)
def test_what_cannot_be_shown_says_why(form: str, value: str, why: str) -> None:
    with pytest.raises(FormatError, match=why.replace(".", r"\.")):
        shown_value(value, {"source": "attribute", "attribute": "a", "format": form}, "en", "UTC")


def test_a_stated_currency_is_that_of_an_amount_without_one() -> None:
    source = {"source": "tag", "tag": "price", "format": "money", "currency": "BRL"}
    assert shown_value("19.9", source, "pt_BR", "UTC") == "R$\u00a019,90"


def test_a_fallback_that_the_format_cannot_show_stays_as_it_was_written() -> None:
    source = {"source": "attribute", "attribute": "day", "format": "date", "fallback": "some day"}
    formats = ValueFormats({("cards.0.body", "1"): source}, "en", "UTC")
    assert formats.shown({"cards.0.body": {"1": "some day", "2": "x"}}) == {"cards.0.body": {"1": "some day", "2": "x"}}
    with pytest.raises(FormatError) as raised:
        formats.shown({"cards.0.body": {"1": "nonsense"}})
    assert (raised.value.place, raised.value.key) == ("card 1 body", "1")


@pytest.mark.parametrize(
    ("source", "can"),
    [
        ({"source": "name", "format": "upper"}, True),
        ({"source": "name", "format": "date"}, False),
        ({"source": "order", "field": "placed_at", "format": "date"}, True),
        ({"source": "order", "field": "total", "format": "date"}, False),
        ({"source": "order", "field": "total", "format": "money"}, True),
        ({"source": "product", "field": "price", "format": "money"}, True),
        ({"source": "product", "field": "name", "format": "money"}, False),
        ({"source": "text", "format": "money"}, True),
    ],
)
def test_a_date_and_money_stand_where_the_source_can_hold_them(source: dict[str, Any], can: bool) -> None:
    assert can_have_format(source) is can


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"source": "tag", "format": "money"}, "currency is missing, such as EUR"),
        ({"source": "tag", "format": "money", "currency": "EUR"}, None),
        (
            {"source": "tag", "format": "money", "currency": "euro"},
            "currency 'euro' is no code of ISO 4217, such as EUR",
        ),
        ({"source": "order", "format": "money"}, None),
        (
            {"source": "order", "format": "money", "currency": "EUR"},
            "currency: the amount of the source order has its own",
        ),
        ({"source": "tag", "format": "upper", "currency": "EUR"}, "currency: belongs to the format money alone"),
    ],
)
def test_money_needs_one_currency(source: dict[str, Any], problem: str | None) -> None:
    assert currency_problem(source) == problem
