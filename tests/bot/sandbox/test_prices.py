"""What the simulated Meta says that messages cost: the rules since October 2026."""

from typing import Any

from bot.sandbox.seed import PHONE_NUMBER_ID, SECOND_PHONE_NUMBER_ID, WABA_ID
from bot.sandbox.store import SandboxMessage
from tests.support.sandbox_client import Caller, wamid_of
from tests.support.sandbox_plans import ANA, plan
from tests.support.sandbox_receiver import Receiver

BEFORE_OCTOBER = 1_790_000_000.0  # 2026-09-21
FREE = {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
CHARGED = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}
AD = {"type": "text", "text": {"body": "Hi"}, "referral": {"source_type": "ad", "ctwa_clid": "AR"}}


def pricings(receiver: Receiver, answer: Any, kind: str = "delivered") -> list[dict[str, Any]]:
    wamid = wamid_of(answer)
    return [item["pricing"] for item in receiver.statuses if (item["id"], item["status"]) == (wamid, kind)]


def test_service_messages_are_free_up_to_the_number_s_share_of_the_month(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(free_service=2)
    meta.handle.say(ANA, "Hello")
    answers = []
    for text in ("one", "two", "three"):
        answers.append(meta.text(ANA, text))
        meta.rest()
    meta.handle.say(ANA, "Hello", phone_number_id=SECOND_PHONE_NUMBER_ID)
    other = meta.post({"to": ANA, "type": "text", "text": {"body": "Hi"}}, SECOND_PHONE_NUMBER_ID)
    meta.rest()
    assert [pricings(receiver, answer) for answer in answers] == [[FREE], [FREE], [CHARGED]]
    assert pricings(receiver, other) == [FREE], "each number has its own"


def test_a_reaction_costs_nothing_and_is_not_counted(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(free_service=1)
    said = meta.handle.say(ANA, "Hello")
    reaction = meta.post({"to": ANA, "type": "reaction", "reaction": {"message_id": said.wamid, "emoji": "👍"}})
    meta.rest()
    answer = meta.text(ANA, "one")
    meta.rest()
    assert (pricings(receiver, reaction, "sent"), pricings(receiver, answer)) == ([FREE], [FREE])


def test_a_utility_template_is_charged_inside_the_window_too(meta: Caller, receiver: Receiver) -> None:
    meta.handle.say(ANA, "Hello")
    answer = meta.template(ANA, "hello_world", language="en_US")
    meta.rest()
    assert pricings(receiver, answer) == [CHARGED | {"category": "utility"}]
    prices = meta.handle.sim.delivery.prices
    old = SandboxMessage("w", PHONE_NUMBER_ID, ANA, ANA, "template", BEFORE_OCTOBER, category="utility", in_window=True)
    assert prices.pricing(old, "delivered") == FREE | {"category": "utility"}, "until the end of September it was free"


def test_an_answer_to_somebody_from_an_ad_makes_everything_free(meta: Caller, receiver: Receiver) -> None:
    meta.handle.say(ANA, message=AD)
    answers = [meta.text(ANA, "Hi"), meta.template(ANA)]
    meta.rest()
    free = FREE | {"type": "free_entry_point", "category": "referral_conversion"}
    assert [pricings(receiver, answer) for answer in answers] == [[free], [free]]


def test_a_max_price_is_told_with_the_delivery_and_only_the_marketing_endpoint_takes_it(
    meta: Caller, receiver: Receiver
) -> None:
    spec = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 3500}
    offer = plan("offer", "Our sale is on.", category="MARKETING", extra={"optimization_spec": spec})
    meta.handle.sim.world.add_template(WABA_ID, offer)
    body: dict[str, Any] = {"to": ANA, "type": "template"}
    body["template"] = {"name": "offer", "language": {"code": "en"}}
    assert meta.code_of(meta.post(body)) == 131061
    answer = meta.post(body, endpoint="marketing_messages")
    half = meta.post(body | {"bid_spec": {"per_message_bid_multiplier": 0.5}}, endpoint="marketing_messages")
    meta.rest()
    assert "cost" not in pricings(receiver, answer, "sent")[0]
    assert pricings(receiver, answer)[0]["cost"] == {"amount": 0.035, "currency": "EUR"}
    assert pricings(receiver, half)[0]["cost"] == {"amount": 0.0175, "currency": "EUR"}
