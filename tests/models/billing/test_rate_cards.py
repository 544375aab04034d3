"""Rate cards: read whole or not at all, and what a message costs by them."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.operations.rate_file import RateFile, read_rate_file
from models.billing.amount import read_amount, show_amount
from models.billing.price_area import country_of
from models.billing.rate_cards import Price, prices_in_force, save_card
from models.db.engine import Database
from models.errors import OperatorError
from tests.support.cli_app import Shell
from tests.support.factories import NOW
from tests.support.paths import EXAMPLES

EXAMPLE = EXAMPLES / "rates.csv"
HEAD = "country,category,amount,currency,valid_from\n"
SPAIN = "ES,marketing,0.0615,EUR,2026-01-01\n"


def read(tmp_path: Path, text: str | bytes, name: str = "rates.csv") -> RateFile:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_rate_file(path)


@given(st.integers(min_value=0, max_value=10**15))
def test_an_amount_that_is_shown_reads_as_itself(micro: int) -> None:
    assert read_amount(show_amount(micro)) == micro


@pytest.mark.parametrize("text", ["", "-1", "1e3", "0.0000001", "1,5", "nan", "inf", "１", "9" * 12, True, None, "0x1"])
def test_what_is_no_plain_amount_is_refused(text: object) -> None:
    with pytest.raises(OperatorError, match="allowed"):
        read_amount(text)


def test_an_amount_has_two_decimals_and_as_many_more_as_it_needs() -> None:
    assert [show_amount(micro) for micro in (0, 61_500, 1_000_000, -2_500_000, 1)] == [
        "0.00",
        "0.0615",
        "1.00",
        "-2.50",
        "0.000001",
    ]
    assert read_amount(0.00006) == 60, "YAML hands over floats"


def test_a_price_holds_from_its_day_on_and_what_the_card_does_not_say_is_unknown(database: Database) -> None:
    old, new = date(2026, 1, 1), date(2026, 12, 1)
    with database.write() as session:
        save_card(session, "EUR", [Price("DE", "utility", old, 1)], source="old", now=NOW, actor="cli")
        rows = [
            Price("ES", "marketing", old, 50_000),
            Price("ES", "marketing", new, 60_000),
            Price("*", "marketing", old, 90_000),
            Price("FR", "utility", old, 0),
        ]
        save_card(session, "EUR", rows, source="new", now=NOW, actor="cli")
    with database.read() as session:
        prices = prices_in_force(session)
    assert prices.at("ES", "MARKETING", date(2026, 11, 30)) == 50_000
    assert prices.at("ES", "marketing", new) == 60_000
    assert prices.at("ES", "marketing", date(2025, 12, 31)) is None, "before the card begins"
    assert prices.at("IT", "marketing", new) == 90_000
    assert prices.at(None, "marketing", new) is None, "nobody knows where that is"
    assert prices.at("FR", "utility", new) == 0, "a price of nothing is known"
    assert prices.at("DE", "utility", new) is None, "the new card replaced the old one"
    assert prices.changes_after(NOW.date()) == [new]


@pytest.mark.parametrize(
    ("area", "country"),
    [
        ("ES+346", "ES"),
        ("+346", "ES"),
        ("US+346", "ES"),
        ("CA+1201", "CA"),
        ("+1201", "US"),
        ("+1416", "CA"),
        ("KZ+770", "KZ"),
        ("+790", "RU"),
        ("GB+447", "GB"),
        ("+870", None),
        ("FR", "FR"),
        ("", None),
    ],
)
def test_a_message_is_billed_under_the_country_of_its_number(area: str, country: str | None) -> None:
    assert country_of(area) == country


def test_the_example_card_is_read_and_says_that_its_figures_are_invented() -> None:
    card = read_rate_file(EXAMPLE)
    assert card.currency == "EUR"
    assert len(card.prices) == 9
    assert "INVENTED: they are not Meta's prices" in EXAMPLE.read_text(encoding="utf-8")


def test_csv_and_yaml_say_the_same(tmp_path: Path) -> None:
    text = """currency: EUR
rates:
  - {country: ES, category: marketing, amount: 0.0615, valid_from: 2026-01-01}
  - {country: NO, category: authentication-international, amount: "0.1", valid_from: "2026-01-01"}
"""
    same = "\ufeff# a remark\n" + HEAD + SPAIN + "\nno,AUTHENTICATION_INTERNATIONAL,0.1,eur,2026-01-01\n"
    assert read(tmp_path, text, "rates.yaml") == read(tmp_path, same)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "XX,marketing,1,EUR,2026-01-01\n", "line 2: country='XX'"),
        (HEAD + "ES,marketng,1,EUR,2026-01-01\n", "line 2: category='marketng'"),
        (HEAD + "ES,marketing,-1,EUR,2026-01-01\n", "line 2: amount='-1'"),
        (HEAD + "ES,marketing,,EUR,2026-01-01\n", "line 2: amount=''"),
        (HEAD + "ES,marketing,1,EURO,2026-01-01\n", "line 2: currency='EURO'"),
        (HEAD + "ES,marketing,1,EUR,1.1.2026\n", "line 2: valid_from='1.1.2026'"),
        (HEAD + SPAIN + "GB,marketing,1,USD,2026-01-01\n", "line 3: currency=USD: the rows before are in EUR"),
        (HEAD + SPAIN + SPAIN, "line 3: ES marketing from 2026-01-01 was given before"),
        (HEAD + "ES,marketing,1\n", "line 2: 3 cells under 5 columns"),
        (HEAD + '"ES', "is no CSV"),
        ("country,amount\nES,1\n", "line 1: the columns must be"),
        (HEAD, "it holds no price"),
        ("", "it holds no price"),
        (HEAD.encode() + b"\xff", "is not UTF-8"),
        (HEAD + "ES\x00", "NUL"),
        (b"#" * 2_000_001, "allowed are 2 MB"),
    ],
)
def test_a_file_with_anything_wrong_is_refused_with_its_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(tmp_path, text)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "rates: 3",
        "a: 1",
        "currency: EUR\nrates: [3]",
        "currency: EUR\nrates: [{country: ES, prize: 1}]",
        "[" * 5000,
    ],
)
def test_yaml_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OperatorError):
        read(tmp_path, text, "rates.yml")


def test_cards_are_loaded_and_shown_from_the_command_line(shell: Shell) -> None:
    assert "no rate card is loaded" in shell.refused("rates", "show")
    assert shell.refused("rates", "load", str(shell.directory / "none.csv")).endswith("No such file or directory")
    assert shell.ok("rates", "load", str(EXAMPLE)) == "rate card 1: 9 prices in EUR\n"
    shown = shell.data("rates", "show", "--json")
    assert (shown["id"], shown["currency"], shown["source"], len(shown["rates"])) == (1, "EUR", "rates.csv", 9)
    us = [rate for rate in shown["rates"] if (rate["country"], rate["category"]) == ("US", "marketing")]
    assert us[0] == {
        "country": "US",
        "category": "marketing",
        "amount": "0.03",
        "valid_from": "2026-01-01",
        "is_current": True,
    }
    assert "US" in shell.ok("rates", "show")
    shell.refused("rates", "load", shell.file("bad.csv", HEAD + SPAIN + "ES,nothing,1,EUR,2026-01-01\n"))
    assert shell.data("rates", "show", "--json")["id"] == 1, "nothing of it is stored"


def test_the_balance_is_set_shown_and_turned_off_from_the_command_line(shell: Shell) -> None:
    assert shell.data("budget", "show", "--json") == {"is_on": False}
    assert shell.refused("budget", "off") == "no balance is set"
    shell.refused("budget", "set", "5", code=2)
    assert "amount=" in shell.refused("budget", "set", "--currency", "EUR", "five")
    shell.ok("rates", "load", str(EXAMPLE))
    assert "the rate card is in EUR" in shell.refused("budget", "set", "5", "--currency", "USD")
    assert shell.ok("budget", "set", "5", "--currency", "eur") == (
        "5.00 EUR: 0.00 charged, 0.00 held back, 5.00 free (0.0 % used)\n"
    )
    dollars = shell.file("usd.csv", HEAD + SPAIN.replace("EUR", "USD"))
    assert "the balance in EUR" in shell.refused("rates", "load", dollars)
    assert shell.ok("budget", "recount") == "nothing had changed\n"
    assert shell.ok("budget", "off") == "no balance is set\n"
    shell.ok("rates", "load", dollars)


def test_a_campaign_is_estimated_from_the_command_line(shell: Shell) -> None:
    shell.add_number()
    shell.add_people()
    campaign_id = shell.add_campaign()
    unknown = shell.data("campaigns", "estimate", str(campaign_id))
    assert (unknown["people"], unknown["unknown_people"], unknown["high"], unknown["currency"]) == (2, 2, None, None)
    shell.ok("rates", "load", str(EXAMPLE))
    found = shell.data("campaigns", "estimate", str(campaign_id))
    assert (found["low"], found["expected"], found["high"]) == ("0.056", "0.072", "0.08")
    assert found["lines"] == [
        {
            "country": "GB",
            "category": "marketing",
            "people": 2,
            "price": "0.04",
            "low": "0.056",
            "expected": "0.072",
            "high": "0.08",
        }
    ]
    assert found["shares"] == {"low": 0.7, "expected": 0.9, "high": 1.0, "campaigns": 0}
    shell.ok("budget", "set", "0.07", "--currency", "EUR")
    line = shell.refused("campaigns", "start", str(campaign_id))
    assert "It may cost 0.08 EUR and of the balance of 0.07 EUR only 0.07 EUR are free." in line
    shell.ok("budget", "set", "0.10", "--currency", "EUR")
    warned = shell.data("campaigns", "preflight", str(campaign_id))["warnings"]
    assert "80 % of the balance of 0.10 EUR would be charged or held back." in [check["text"] for check in warned]
    shell.ok("campaigns", "start", str(campaign_id))
    shown = shell.data("budget", "show", "--json")
    assert (shown["reserved"], shown["free"], shown["state"]) == ("0.08", "0.02", "over_80")
    assert shell.data("campaigns", "estimate", str(campaign_id))["spent"]["reserved"] == "0.08"
    assert "needs a number" in shell.refused("campaigns", "estimate", str(_draft(shell)))
    assert shell.refused("campaigns", "estimate", "99") == "campaign 99: there is no such campaign"


def _draft(shell: Shell) -> int:
    return int(shell.data("campaigns", "create", shell.file("draft.json", {"name": "Draft"}))["id"])


def test_the_cards_of_the_documentation_are_accepted(tmp_path: Path) -> None:
    page = (EXAMPLE.parent.parent / "money.md").read_text(encoding="utf-8")
    kinds = {"csv": 4, "yaml": 1}
    for kind, number in kinds.items():
        (text,) = re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        card = read(tmp_path, text, f"rates.{kind}")
        assert (card.currency, len(card.prices)) == ("EUR", number)
