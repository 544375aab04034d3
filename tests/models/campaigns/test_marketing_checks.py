"""What the preflight says of the way that marketing goes, and of maximum prices."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.campaigns.preflight import preflight
from models.tables.campaign import Campaign
from models.tables.number import MarketingPolicy
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW

SPEC = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}
STRICT, FALLBACK = MarketingPolicy.STRICT, MarketingPolicy.CLOUD_API_FALLBACK
ON: dict[str, Any] = {"marketing_api": True, "marketing_policy": STRICT}
KEYS = {"max_price", "max_price_route", "marketing_api", "marketing_off"}


def _campaign(
    session: Session, number: dict[str, Any], account: dict[str, Any], template: dict[str, Any], **values: Any
) -> Campaign:
    ours = make_number(session, **number)
    for name, value in ({"marketing_onboarding": "ONBOARDED", "currency": "EUR"} | account).items():
        setattr(ours.waba, name, value)
    return make_campaign(session, ours, make_template(session, ours, **template), **values)


def _said(session: Session, campaign: Campaign) -> tuple[list[str], list[str]]:
    result = preflight(session, campaign.id, NOW)
    blocking = [f"{check.key}: {check.text}" for check in result.blocking if check.key in KEYS]
    return blocking, [f"{check.key}: {check.text}" for check in result.warnings if check.key in KEYS]


@pytest.mark.parametrize(
    ("number", "account", "template"),
    [
        ({}, {}, {}),
        (ON, {}, {}),
        (ON, {}, {"optimization_spec": SPEC}),
        ({}, {"marketing_onboarding": None}, {}),
        ({}, {"marketing_off_on_cloud_api": True}, {"category": "UTILITY"}),
        (ON, {"marketing_off_on_cloud_api": True}, {}),
    ],
)
def test_what_meta_takes_has_no_problem(
    session: Session, number: dict[str, Any], account: dict[str, Any], template: dict[str, Any]
) -> None:
    assert _said(session, _campaign(session, number, account, template)) == ([], [])


@pytest.mark.parametrize(
    ("number", "account", "template", "said"),
    [
        ({}, {}, {"optimization_spec": SPEC}, "max_price_route: Template"),
        (ON, {"marketing_onboarding": "ELIGIBLE"}, {}, "marketing_api: The account of number Shop is not onboarded"),
        (ON, {"marketing_onboarding": None}, {}, "marketing_api: The account of number Shop is not onboarded"),
        ({}, {"marketing_off_on_cloud_api": True}, {}, "marketing_off: Marketing is switched off"),
    ],
)
def test_what_meta_would_refuse_blocks(
    session: Session, number: dict[str, Any], account: dict[str, Any], template: dict[str, Any], said: str
) -> None:
    blocking, warnings = _said(session, _campaign(session, number, account, template))
    assert (len(blocking), warnings) == (1, [])
    assert blocking[0].startswith(said)


def test_what_goes_by_the_cloud_api_instead_is_a_warning_unless_that_is_off_too(session: Session) -> None:
    number, account = ON | {"marketing_policy": FALLBACK}, {"marketing_onboarding": "ELIGIBLE"}
    blocking, warnings = _said(session, _campaign(session, number, account, {}))
    assert (blocking, len(warnings)) == ([], 1)
    assert "its marketing goes by the Cloud API" in warnings[0]
    blocking, _ = _said(session, _campaign(session, number, account | {"marketing_off_on_cloud_api": True}, {}))
    assert [line.partition(":")[0] for line in blocking] == ["marketing_off"]
    blocking, _ = _said(session, _campaign(session, number, account, {"optimization_spec": SPEC}))
    assert [line.partition(":")[0] for line in blocking] == ["marketing_api"]


@pytest.mark.parametrize(
    ("number", "account", "template", "price", "said"),
    [
        ({}, {}, {}, (45_000, "EUR"), "needs a marketing template and a number"),
        (ON, {}, {"category": "UTILITY"}, (45_000, "EUR"), "needs a marketing template and a number"),
        (ON, {}, {}, (45_000, "EUR"), "has no maximum price"),
        (ON, {"currency": None}, {"optimization_spec": SPEC}, (45_000, "EUR"), "is not known yet"),
        (ON, {}, {"optimization_spec": SPEC}, (45_000, "USD"), "The maximum price is 0.045 USD, and Meta bills the account in EUR"),
        (ON, {"currency": "IDR"}, {"optimization_spec": SPEC}, (45_000, "IDR"), "in IDR cannot be told"),
        (ON, {}, {"optimization_spec": {"bid_amount": "?"}}, (45_000, "EUR"), "in EUR cannot be told"),
        (ON, {}, {"optimization_spec": SPEC | {"bid_amount": 2_000_000}}, (1, "EUR"), "is too little beside"),
    ],
)  # fmt: skip
def test_a_maximum_price_that_no_message_can_have_blocks(
    session: Session,
    number: dict[str, Any],
    account: dict[str, Any],
    template: dict[str, Any],
    price: tuple[int, str],
    said: str,
) -> None:
    amount, currency = price
    campaign = _campaign(session, number, account, template, max_price=amount, max_price_currency=currency)
    blocking, _ = _said(session, campaign)
    assert [said in line for line in blocking if line.startswith("max_price: ")] == [True]


def test_a_maximum_price_above_the_template_s_changes_nothing_and_says_so(session: Session) -> None:
    def said(amount: int) -> tuple[list[str], list[str]]:
        template = {"optimization_spec": SPEC}
        return _said(session, _campaign(session, ON, {}, template, max_price=amount, max_price_currency="EUR"))

    assert said(50_000) == ([], [])
    assert said(45_000) == ([], [])
    assert "own maximum price is 0.05 EUR: 0.06 EUR changes nothing" in said(60_000)[1][0]
