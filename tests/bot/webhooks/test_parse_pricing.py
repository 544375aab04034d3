"""What a status says of the price, read exactly."""

from typing import Any

import pytest

from bot.webhooks.parse import parse_payload
from bot.webhooks.parse_pricing import read_pricing
from models.events.types import Pricing
from tests.support.parsed import envelope

REGULAR = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing_lite"}


@pytest.mark.parametrize(
    ("amount", "millionths"),
    [
        ("0.035", 35_000),
        ("0.1", 100_000),
        ("0.29", 290_000),
        ("1.15", 1_150_000),
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("0.30000000000000004", 300_000),
        ("3.5e-2", 35_000),
        ("12", 12_000_000),
        ("0", 0),
        ('"0.0615"', 61_500),
        ("987654.321", 987_654_321_000),
    ],
)
def test_a_cost_is_read_to_the_millionth_as_meta_wrote_it(amount: str, millionths: int) -> None:
    status = {"id": "w1", "status": "delivered", "timestamp": "1795341601", "pricing": REGULAR | {"cost": "HERE"}}
    raw = envelope(statuses=[status]).replace(b'"HERE"', f'{{"amount": {amount}, "currency": "USD"}}'.encode())
    (found,) = parse_payload(raw).statuses
    assert found.pricing == Pricing("marketing_lite", "regular", True, millionths, "USD")


@pytest.mark.parametrize(
    "cost",
    [
        None, 0.035, "0.035 USD", {}, {"amount": 0.035}, {"currency": "USD"}, {"amount": True, "currency": "USD"},
        {"amount": -1, "currency": "USD"}, {"amount": "NaN", "currency": "USD"}, {"amount": "a lot", "currency": "USD"},
        {"amount": 1e30, "currency": "USD"}, {"amount": None, "currency": "USD"}, {"amount": 1, "currency": "dollars"},
    ],
)  # fmt: skip
def test_what_is_no_amount_of_money_is_no_cost_and_never_0(cost: Any) -> None:
    assert read_pricing(REGULAR | {"cost": cost}) == Pricing("marketing_lite", "regular", True)


@pytest.mark.parametrize(
    ("pricing", "billable"),
    [
        ({"type": "regular"}, True),
        ({"type": "free_customer_service"}, False),
        ({"type": "free_entry_point"}, False),
        ({"type": "free_group_customer_service"}, False),
        ({"type": "regular", "subtype": "paid_exempt"}, False),
        ({"category": "service"}, None),
        ({"category": "service", "billable": False}, False),
        ({"category": "marketing_lite", "cost": {"amount": 0.01, "currency": "usd"}}, True),
    ],
)
def test_whether_it_is_billed_follows_from_what_is_there(pricing: dict[str, Any], billable: bool | None) -> None:
    found = read_pricing(pricing)
    assert found is not None
    assert found.is_billable is billable


@pytest.mark.parametrize("pricing", [None, {}, [], "regular", {"pricing_model": "PMP"}])
def test_a_pricing_that_says_nothing_is_none(pricing: Any) -> None:
    assert read_pricing(pricing) is None
