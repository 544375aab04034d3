"""What a restricted number may still send, and what Meta reports."""

import pytest

from bot.sandbox.seed import PHONE_NUMBER_ID
from tests.support.sandbox_client import Caller
from tests.support.sandbox_plans import ANA
from tests.support.sandbox_receiver import Receiver

BEGUN, ANSWERS = "RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"
CALLS, UTILITY = "RESTRICTED_USER_INITIATED_CALLING", "RATE_LIMITED_UTILITY_TEMPLATE_MESSAGING"


def restrict(meta: Caller, *kinds: str, named: bool = True) -> None:
    body = {"phone_number_id": PHONE_NUMBER_ID, "kinds": list(kinds), "named": named}
    assert meta.control.post("/restriction", json=body).json() == {"restrictions": list(kinds)}


def health(meta: Caller) -> str:
    fields = {"fields": "health_status"}
    return str(meta.http.get(f"/{PHONE_NUMBER_ID}", params=fields).json()["health_status"]["can_send_message"])


@pytest.mark.parametrize(
    ("kinds", "template", "answer", "able"),
    [
        ((BEGUN,), 403, 200, "BLOCKED"),
        ((ANSWERS,), 403, 403, "BLOCKED"),
        ((CALLS, UTILITY), 200, 200, "AVAILABLE"),
        ((), 200, 200, "AVAILABLE"),
    ],
)
def test_a_restriction_forbids_what_its_kind_says(
    meta: Caller, kinds: tuple[str, ...], template: int, answer: int, able: str
) -> None:
    meta.handle.say(ANA, "hello")
    restrict(meta, *kinds)
    assert (meta.template(ANA).status_code, meta.text(ANA, "Hi").status_code) == (template, answer)
    assert health(meta) == able
    restrict(meta)
    assert (meta.template(ANA).status_code, health(meta)) == (200, "AVAILABLE")


@pytest.mark.parametrize("named", [True, False])
def test_a_restriction_is_reported_and_its_end_is_not(meta: Caller, receiver: Receiver, named: bool) -> None:
    restrict(meta, BEGUN, named=named)
    restrict(meta, named=named)
    meta.rest()
    [event] = receiver.values("account_update")
    assert (event["event"], event["restriction_info"][0]["restriction_type"]) == ("ACCOUNT_RESTRICTION", BEGUN)
    assert ("phone_number" in event) is named


def test_a_cap_of_utility_refuses_utility_templates_alone(meta: Caller) -> None:
    restrict(meta, UTILITY)
    assert meta.template(ANA).status_code == 200
    event = {"name": "spring_sale", "language": "en", "category": "UTILITY"}
    assert meta.control.post("/template-event", json=event).status_code == 200
    assert meta.code_of(meta.template(ANA)) == 131064


def test_restrictions_need_a_list(meta: Caller) -> None:
    body = {"phone_number_id": PHONE_NUMBER_ID, "kinds": BEGUN}
    assert "needs a list" in meta.control.post("/restriction", json=body).text
