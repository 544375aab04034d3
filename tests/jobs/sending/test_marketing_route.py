"""Marketing by the Marketing Messages API: routed by the category, at most one fallback, never both for one person."""

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select, update

from jobs.sending.serve import serve
from models.clock import utcnow
from models.stored_texts import MAX_PRICE_LOST
from models.tables.campaign import CampaignStatus, PauseReason
from models.tables.contact import Contact, ContactIdentity
from models.tables.number import MarketingPolicy, Number, Waba
from models.tables.recipient import NotSent, Recipient, RecipientState, SendEndpoint
from models.tables.template import Template
from tests.support.sending_rig import Sending, phones

pytestmark = [pytest.mark.usefixtures("idle_lanes_end_soon"), pytest.mark.sandbox(suffix_faults=False)]
SPEC = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}
STRICT, FALLBACK = MarketingPolicy.STRICT, MarketingPolicy.CLOUD_API_FALLBACK


def _use_marketing_api(sending: Sending, policy: MarketingPolicy, **account: Any) -> None:
    with sending.rt.database.write() as session:
        session.execute(update(Number).values(marketing_api=True, marketing_policy=policy))
        session.execute(
            update(Waba).values(
                {"marketing_onboarding": "ONBOARDED", "currency": "EUR", "marketing_read_at": utcnow()} | account
            )
        )


def _put_price_on_template(sending: Sending) -> None:
    with sending.rt.database.write() as session:
        session.execute(update(Template).values(optimization_spec=SPEC))
    template = sending.sandbox.sim.world.find_template("spring_sale", "en")
    assert template is not None
    template.extra["optimization_spec"] = SPEC


def _refuse(sending: Sending, code: int, scope: str = "marketing_messages", **more: Any) -> None:
    sending.sandbox.call(sending.sandbox.sim.faults.inject, {"kind": "refuse", "code": code, "scope": scope} | more)


def _serve(sending: Sending, campaign_id: int) -> None:
    """Lanes one after the other, as they are woken, until nothing waits or the campaign is paused."""
    for _ in range(10):
        serve(sending.rt, sending.number_id)
        if not sending.waiting(campaign_id) or sending.row(campaign_id).status is not CampaignStatus.ACTIVE:
            return
    raise AssertionError(f"still waiting: {sending.states(campaign_id)}")


def _endpoints(sending: Sending) -> Counter[str]:
    return Counter(message.endpoint for message in sending.sandbox.store.messages)


def _bodies(sending: Sending) -> list[dict[str, Any]]:
    return [message.body or {} for message in sending.sandbox.store.messages]


def test_marketing_goes_by_the_marketing_api_with_the_number_s_choices(sending: Sending) -> None:
    _use_marketing_api(sending, STRICT)
    with sending.rt.database.write() as session:
        session.execute(update(Number).values(marketing_activity_sharing=False))
    campaign_id = sending.campaign(phones(5))
    _serve(sending, campaign_id)
    assert sending.states(campaign_id) == {"accepted": 5}
    assert _endpoints(sending) == {"marketing_messages": 5}
    assert {(body["product_policy"], body["message_activity_sharing"]) for body in _bodies(sending)} == {
        ("STRICT", False)
    }
    assert sending.recipient(campaign_id, phones(1)[0]).endpoint is SendEndpoint.MARKETING


def test_a_template_that_is_utility_by_now_goes_by_the_cloud_api(sending: Sending) -> None:
    _use_marketing_api(sending, STRICT)
    with sending.rt.database.write() as session:
        session.execute(update(Template).values(category="UTILITY"))
    campaign_id = sending.campaign(phones(3))
    _serve(sending, campaign_id)
    assert _endpoints(sending) == {"messages": 3}
    assert not any("product_policy" in body for body in _bodies(sending))
    assert sending.recipient(campaign_id, phones(1)[0]).endpoint is SendEndpoint.MESSAGES


@pytest.mark.parametrize("code", [131063, 134100, 131055, 134101, 134102])
def test_after_a_certain_refusal_each_person_gets_it_once_by_the_cloud_api(sending: Sending, code: int) -> None:
    _use_marketing_api(sending, FALLBACK)
    _refuse(sending, code)
    campaign_id = sending.campaign(phones(8))
    _serve(sending, campaign_id)
    assert sending.states(campaign_id) == {"accepted": 8}
    assert _endpoints(sending) == {"messages": 8}
    row = sending.recipient(campaign_id, phones(1)[0])
    assert (row.attempts, row.endpoint, row.error_code) == (2, SendEndpoint.FALLBACK, None)
    with sending.rt.database.read() as session:
        assert session.scalars(select(Waba.marketing_read_at)).one() is None, "Meta is asked about the account again"
    stats = sending.sandbox.stats()
    assert stats["refused"][str(code)] == 8
    assert stats["duplicates"]["count"] == stats["callbacks"]["repeated"]["count"] == 0


@pytest.mark.parametrize("code", [131063, 134100, 131055])
def test_without_the_choice_a_refusal_pauses_and_nothing_goes_by_the_cloud_api(sending: Sending, code: int) -> None:
    _use_marketing_api(sending, STRICT)
    _refuse(sending, code)
    campaign_id = sending.campaign(phones(3))
    _serve(sending, campaign_id)
    assert _endpoints(sending) == {}
    campaign = sending.row(campaign_id)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.TEMPLATE_REFUSED)
    assert sending.states(campaign_id) == {"queued": 3}


@pytest.mark.parametrize("kind", ["hang", "close", "half", "html", "no_id", "html_before", "reset_before"])
def test_what_is_unsure_is_never_sent_by_the_other_endpoint(sending: Sending, kind: str) -> None:
    _use_marketing_api(sending, FALLBACK)
    sending.sandbox.configure(hang_seconds=0.5)
    sending.sandbox.call(sending.sandbox.sim.faults.inject, {"kind": kind, "scope": "marketing_messages", "count": 1})
    campaign_id = sending.campaign(phones(1))
    _serve(sending, campaign_id)
    assert _endpoints(sending)["messages"] == 0
    row = sending.recipient(campaign_id, phones(1)[0])
    assert (row.state, row.endpoint, row.attempts) == (RecipientState.UNSURE, SendEndpoint.MARKETING, 1)


def test_another_refusal_is_no_reason_to_fall_back(sending: Sending) -> None:
    _use_marketing_api(sending, FALLBACK)
    _refuse(sending, 131021)
    campaign_id = sending.campaign(phones(2))
    _serve(sending, campaign_id)
    assert _endpoints(sending) == {}
    assert sending.states(campaign_id) == {"refused": 2}


def test_where_both_endpoints_refuse_the_campaign_pauses_and_both_are_open_after_it(sending: Sending) -> None:
    _use_marketing_api(sending, FALLBACK)
    _refuse(sending, 131063, scope="sends")
    campaign_id = sending.campaign(phones(1))
    _serve(sending, campaign_id)
    assert sending.row(campaign_id).status is CampaignStatus.PAUSED
    row = sending.recipient(campaign_id, phones(1)[0])
    assert (row.state, row.endpoint, row.attempts) == (RecipientState.QUEUED, SendEndpoint.MESSAGES, 2)


def test_a_campaign_scales_the_template_s_maximum_price(sending: Sending) -> None:
    _use_marketing_api(sending, STRICT)
    _put_price_on_template(sending)
    campaign_id = sending.campaign(phones(2), max_price=45_000, max_price_currency="EUR")
    _serve(sending, campaign_id)
    assert sending.states(campaign_id) == {"accepted": 2}
    assert [body["bid_spec"] for body in _bodies(sending)] == [{"per_message_bid_multiplier": 0.9}] * 2


def test_who_is_known_by_a_user_id_alone_is_left_out_of_a_maximum_price(sending: Sending) -> None:
    _use_marketing_api(sending, STRICT)
    _put_price_on_template(sending)
    campaign_id = sending.campaign(phones(2))
    person = sending.sandbox.sim.crowd.of(phones(1)[0].removeprefix("+"))
    with sending.rt.database.write() as session:
        number = session.get_one(Number, sending.number_id)
        contact = session.scalars(select(Contact).where(Contact.phone == phones(1)[0])).one()
        portfolio_id, now, contact_id = number.waba.portfolio_id, contact.created_at, contact.id
        session.add(ContactIdentity(contact=contact, portfolio_id=portfolio_id, bsuid=person.bsuid, created_at=now))
        contact.has_identity = True
        contact.phone = contact.wa_id = None
    _serve(sending, campaign_id)
    assert sending.states(campaign_id) == {"accepted": 1, "not_sent": 1}
    with sending.rt.database.read() as session:
        row = session.scalars(select(Recipient).where(Recipient.contact_id == contact_id)).one()
        assert row.reason is NotSent.NO_PHONE_FOR_MAX_PRICE


def test_a_campaign_whose_maximum_price_is_lost_pauses_and_sends_nothing(sending: Sending) -> None:
    campaign_id = sending.campaign(phones(2), max_price=45_000, max_price_currency="EUR")
    _serve(sending, campaign_id)
    campaign = sending.row(campaign_id)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.TEMPLATE_CHANGED)
    assert MAX_PRICE_LOST.is_stored_in(campaign.pause_detail)
    assert _endpoints(sending) == {}
    assert sending.states(campaign_id) == {"queued": 2}
