"""By which endpoint messages go, and what a campaign's maximum price makes of the template's."""

from typing import Any

import pytest

from models.billing.amount import MICRO
from models.billing.max_price import bid_spec, multiplier_steps, shown_price, template_price
from models.sending.route import SendRoute, send_route
from models.tables.number import MarketingPolicy, Number, Waba
from models.tables.recipient import SendEndpoint
from models.tables.template import Template

SPEC = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}  # 5 cents
STRICT, FALLBACK = MarketingPolicy.STRICT, MarketingPolicy.CLOUD_API_FALLBACK


def _number(policy: MarketingPolicy | None = STRICT, onboarding: str | None = "ONBOARDED", **values: Any) -> Number:
    waba = Waba(marketing_onboarding=onboarding, currency="EUR", marketing_off_on_cloud_api=values.pop("is_off", None))
    return Number(waba=waba, **({"marketing_api": True, "marketing_policy": policy} | values))


def _template(category: str = "MARKETING", spec: Any = None) -> Template:
    return Template(id=1, category=category, optimization_spec=spec)


def test_by_default_everything_goes_by_the_cloud_api() -> None:
    assert send_route(Number(waba=Waba(marketing_onboarding="ONBOARDED")), _template()) == SendRoute()


@pytest.mark.parametrize("category", ["UTILITY", "AUTHENTICATION", "UNKNOWN"])
def test_only_marketing_templates_go_by_the_marketing_api(category: str) -> None:
    assert send_route(_number(), _template(category)) == SendRoute()


def test_the_policy_and_the_sharing_stand_in_the_message() -> None:
    assert send_route(_number(), _template("marketing")) == SendRoute(
        SendEndpoint.MARKETING, {"product_policy": "STRICT"}, may_fall_back=False
    )
    shared = _number(FALLBACK, marketing_activity_sharing=False)
    assert send_route(shared, _template()) == SendRoute(
        SendEndpoint.MARKETING,
        {"product_policy": "CLOUD_API_FALLBACK", "message_activity_sharing": False},
        may_fall_back=True,
    )


@pytest.mark.parametrize("onboarding", [None, "ELIGIBLE", "PENDING_INTERNAL_SETUP", "SOMETHING_NEW"])
def test_only_an_onboarded_account_counts_as_ready(onboarding: str | None) -> None:
    assert send_route(_number(FALLBACK, onboarding), _template()) == SendRoute()
    assert send_route(_number(STRICT, onboarding), _template()).endpoint is SendEndpoint.MARKETING  # Meta refuses it


def test_nothing_falls_back_to_a_cloud_api_that_refuses_marketing_or_a_max_price() -> None:
    assert not send_route(_number(FALLBACK, is_off=True), _template()).may_fall_back
    route = send_route(_number(FALLBACK), _template(spec=SPEC))
    assert (route.may_fall_back, route.needs_phone, route.fields["product_policy"]) == (False, True, "STRICT")


def test_who_fell_back_stays_with_the_cloud_api() -> None:
    route = send_route(_number(FALLBACK), _template())
    assert route.of(SendEndpoint.FALLBACK) == SendRoute(SendEndpoint.FALLBACK)
    assert route.of(SendEndpoint.FALLBACK).path == "messages"
    assert route.of(SendEndpoint.MARKETING).path == "marketing_messages"
    assert route.of(None) is route
    assert send_route(_number(STRICT), _template()).of(SendEndpoint.FALLBACK).path == "marketing_messages"


@pytest.mark.parametrize(
    ("amount", "currency", "micro"),
    [
        (5000, "USD", 50_000),
        (87_000, "INR", 870_000),
        (1, "EUR", 10),
        (9000, "JPY", 9 * MICRO),
        (5000, "IDR", None),  # a hundredth of a rupiah, or a rupiah?
        (5000, "KWD", None),
        (5000, None, None),
        (0, "EUR", None),
        (True, "EUR", None),
        ("5000", "EUR", None),
        (None, "EUR", None),
    ],
)
def test_the_price_of_a_delivery_is_read_from_that_of_a_thousand(
    amount: Any, currency: str | None, micro: int | None
) -> None:
    assert template_price(_template(spec={"bid_amount": amount}), currency) == micro


@pytest.mark.parametrize(
    ("max_price", "price", "steps"),
    [
        (45_000, 50_000, 9000),
        (50_000, 50_000, 10_000),
        (90_000, 50_000, 10_000),  # never above the template's
        (10_000, 30_000, 3333),  # rounded down: not a millionth more
        (1, 50_000, 0),
        (333_333_333, 1_000_000_000, 3333),
    ],
)
def test_the_multiplier_is_rounded_down_and_never_above_1(max_price: int, price: int, steps: int) -> None:
    assert multiplier_steps(max_price, price) == steps
    assert steps * price <= max_price * 10_000


def test_a_max_price_becomes_the_multiplier_of_the_message() -> None:
    assert send_route(_number(), _template(spec=SPEC), 45_000).fields["bid_spec"] == {"per_message_bid_multiplier": 0.9}
    assert "bid_spec" not in send_route(_number(), _template(spec=SPEC), 60_000).fields
    assert bid_spec(_template(spec=SPEC), "EUR", None) is None


@pytest.mark.parametrize(
    ("number", "template"),
    [
        (_number(), _template(spec={"bid_amount": 2_000_000_000})),  # the multiplier would be 0
        (_number(marketing_api=None), _template(spec=SPEC)),
        (_number(), _template("UTILITY", SPEC)),
        (_number(FALLBACK, "ELIGIBLE"), _template()),
        (_number(), _template()),
        (_number(), _template(spec={"bid_amount": "?"})),
    ],
)
def test_without_a_price_that_can_be_scaled_nothing_is_sent(number: Number, template: Template) -> None:
    with pytest.raises(LookupError):
        send_route(number, template, 45_000)


@pytest.mark.parametrize(
    ("spec", "currency", "shown"),
    [
        (None, "EUR", None),
        (SPEC, "EUR", "0.05 EUR"),
        (SPEC, None, "bid_amount 5000"),
        (SPEC, "IDR", "bid_amount 5000"),
        ({"bid_strategy": "?"}, "EUR", "bid_amount None"),
    ],
)
def test_a_template_s_price_is_shown_as_it_can_be_told(spec: Any, currency: str | None, shown: str | None) -> None:
    template = _template(spec=spec)
    template.waba = Waba(currency=currency)
    assert shown_price(template) == shown
