"""The endpoint for marketing: who may use it, what it refuses, and what the Cloud API refuses instead."""

from typing import Any

import httpx
import pytest

from bot.sandbox.seed import WABA_ID
from tests.support.sandbox_client import Caller, body, template_to
from tests.support.sandbox_plans import ANA
from tests.support.sandbox_receiver import Receiver

OFFER: dict[str, Any] = {
    "name": "offer", "language": "en", "category": "MARKETING", "components": [{"type": "BODY", "text": "Sale."}],
    "extra": {"optimization_spec": {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}},
}  # fmt: skip
STRICT = {"product_policy": "STRICT"}


def _add_offer(meta: Caller) -> None:
    meta.handle.call(meta.handle.sim.world.add_template, WABA_ID, OFFER)


def _lite(meta: Caller, name: str = "spring_sale", **more: Any) -> httpx.Response:
    parts = (body("Ana", "20%"),) if name == "spring_sale" else ()
    to = more.pop("to", ANA)
    message = template_to(to, name, *parts, **more)
    if to is None:
        del message["to"]
    return meta.post(message, endpoint="marketing_messages")


def _set(meta: Caller, **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = meta.control.post("/account", json=changes).json()
    return answer


def test_an_account_that_is_not_onboarded_falls_back_or_is_refused_as_asked(meta: Caller, receiver: Receiver) -> None:
    _set(meta, onboarding="ELIGIBLE")
    assert _lite(meta).status_code == 200
    assert _lite(meta, product_policy="CLOUD_API_FALLBACK").status_code == 200
    assert meta.code_of(_lite(meta, **STRICT)) == 131055
    meta.rest()
    assert {status["pricing"]["category"] for status in receiver.statuses if "pricing" in status} == {"marketing"}


def test_marketing_that_is_off_on_the_cloud_api_is_refused_there_and_in_the_fallback(meta: Caller) -> None:
    path = f"/{WABA_ID}"
    assert meta.http.post(path, json={"disable_marketing_messages_on_cloud_api": True}).json() == {"success": True}
    assert meta.code_of(meta.template(ANA)) == 131063
    assert _lite(meta).status_code == 200
    _set(meta, onboarding="ELIGIBLE")
    assert meta.code_of(_lite(meta)) == 131063
    assert meta.template(ANA, "opening_hours").status_code == 200
    assert meta.code_of(meta.http.post(path, json={})) == 100


def test_a_max_price_is_taken_with_a_phone_by_this_endpoint_alone(meta: Caller) -> None:
    _add_offer(meta)
    bsuid = meta.handle.sim.crowd.of("34600001234").bsuid
    assert _lite(meta, "offer", bid_spec={"per_message_bid_multiplier": 0.9}).status_code == 200
    assert meta.code_of(meta.template(ANA, "offer")) == 131061
    assert meta.code_of(_lite(meta, "offer", to=None, recipient=bsuid)) == 131062
    meta.handle.configure(no_max_price_prefixes="49, 34")
    assert meta.code_of(_lite(meta, "offer")) == 131065
    _set(meta, onboarding="ELIGIBLE")
    assert meta.code_of(_lite(meta, "offer")) == 131061


def test_a_template_that_was_reviewed_a_moment_ago_is_not_synced(meta: Caller) -> None:
    plan = {name: OFFER[name] for name in ("language", "category", "components")} | {"name": "new_offer"}
    assert meta.http.post(f"/{WABA_ID}/message_templates", json=plan).status_code == 200
    meta.rest()
    assert _lite(meta, "new_offer").status_code == 200
    meta.handle.configure(template_sync_seconds=600_000)
    assert meta.code_of(_lite(meta, "new_offer")) == 134101
    assert _lite(meta).status_code == 200


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"product_policy": "strict"}, 100),
        ({"message_activity_sharing": "yes"}, 100),
        ({"bid_spec": {"per_message_bid_multiplier": 0}}, 131009),
        ({"bid_spec": {"per_message_bid_multiplier": "1"}}, 131009),
        ({"bid_spec": 1}, 131009),
        ({"bid_spec": {"per_message_bid_multiplier": 1}}, 131009),  # the template has no price
    ],
)
def test_wrong_fields_are_refused(meta: Caller, more: dict[str, Any], code: int) -> None:
    assert meta.code_of(_lite(meta, **more)) == code


@pytest.mark.parametrize("field", ["product_policy", "message_activity_sharing", "bid_spec"])
def test_the_cloud_api_knows_nothing_of_these_fields(meta: Caller, field: str) -> None:
    assert meta.code_of(meta.post(template_to(ANA, "spring_sale", **{field: True}))) == 100


def test_the_account_tells_its_state_and_signed_terms_are_reported(meta: Caller, receiver: Receiver) -> None:
    _set(meta, onboarding="ELIGIBLE", terms="NOT_STARTED")
    fields = "currency,marketing_messages_onboarding_status,disable_marketing_messages_on_cloud_api,owner_business_info"
    account = meta.http.get(f"/{WABA_ID}", params={"fields": fields}).json()
    assert account["marketing_messages_onboarding_status"] == "ELIGIBLE"
    assert account["owner_business_info"]["marketing_messages_onboarding_status"]["status"] == "NOT_STARTED"
    assert (account["disable_marketing_messages_on_cloud_api"], account["currency"]) == (False, "EUR")
    _set(meta, terms="TERM_OF_SERVICE_SIGNED")
    _set(meta, terms="TERM_OF_SERVICE_SIGNED")
    meta.rest()
    events = [value for value in receiver.values("account_update") if value.get("event") == "MM_LITE_TERMS_SIGNED"]
    assert [event["waba_info"]["waba_id"] for event in events] == [WABA_ID]
    assert meta.control.post("/account", json={"terms": 1}).status_code == 400
    assert meta.control.post("/account", json={"waba_id": "1"}).status_code == 400
