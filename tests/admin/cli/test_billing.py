"""`flask billing`."""

import pytest

from tests.support.cli_app import Shell
from tests.support.rate_files import EXAMPLE, HEAD, SPAIN

pytestmark = pytest.mark.sqlite_only


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
