"""A price is read where it can mean one amount only; else its text alone is kept."""

import pytest

from models.billing.amount import MICRO
from models.catalog.price import ReadPrice, read_price


@pytest.mark.parametrize(
    ("text", "currency", "cents", "read_currency"),
    [
        ("12,90 €", "EUR", 1290, "EUR"),
        ("12,90 €", None, 1290, "EUR"),
        ("12.90 EUR", None, 1290, "EUR"),
        ("EUR 12.9", "EUR", 1290, "EUR"),
        ("€12.90", "EUR", 1290, "EUR"),
        ("12.90", "EUR", 1290, "EUR"),
        ("$12.90", "USD", 1290, "USD"),
        ("$12.90 USD", None, 1290, "USD"),
        ("1.290,00 €", "EUR", 129_000, "EUR"),
        ("1,290.50 USD", "USD", 129_050, "USD"),
        ("1\u00a0290,00 €", "EUR", 129_000, "EUR"),
        ("CHF 1’290.00", "CHF", 129_000, "CHF"),
        ("R$ 1.234.567,89", "BRL", 123_456_789, "BRL"),
        ("₫1.290.000", "VND", 129_000_000, "VND"),
        ("¥1,290", "JPY", 129_000, "JPY"),
        ("1290", "JPY", 129_000, "JPY"),
        ("12 €", "EUR", 1200, "EUR"),
        ("0,00 €", "EUR", 0, "EUR"),
    ],
)
def test_a_price_that_means_one_amount_is_read(text: str, currency: str | None, cents: int, read_currency: str) -> None:
    assert read_price(text, currency) == ReadPrice(cents * MICRO // 100, read_currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("1.290 €", "EUR"),  # a thousand and more, or little more than one
        ("1,290 USD", "USD"),
        ("1.290 KWD", "KWD"),
        ("1290", "EUR"),  # perhaps cents
        ("12.90", None),
        ("$12.90", None),  # of which country?
        ("¥12", None),
        ("12,90 €", "USD"),
        ("12.90 JPY", "JPY"),
        ("12.90 ABC", None),
        ("12.90 XQZ", "XQZ"),
        ("1.2.3 €", "EUR"),
        ("1,29,000 INR", "INR"),
        ("12,90 € - 15,90 €", "EUR"),
        ("from 12,90 €", "EUR"),
        ("-12,90 €", "EUR"),
        ("0.290.000 ₫", "VND"),
        ("free", "EUR"),
        ("", "EUR"),
        (None, "EUR"),
        ("9" * 40 + " €", "EUR"),
        ("9" * 5000, "EUR"),
        ("١٢٫٩٠ €", "EUR"),
    ],
)
def test_a_price_that_may_mean_another_amount_is_not_read(text: str | None, currency: str | None) -> None:
    assert read_price(text, currency) is None
