"""What answers to a campaign will probably cost, from its flow and the own history, beside the campaign's own cost."""

from datetime import date, timedelta

import pytest

from jobs.analytics.reply_counts import count_ended_campaigns
from jobs.core.runtime import Runtime
from models.billing.amount import MICRO
from models.billing.answers import free_answers_left
from models.billing.estimate import DeliveryShares, Estimate, estimate_cost
from models.billing.expected_replies import FlowMessages, estimate_replies
from models.billing.rate_cards import Price, save_card
from models.billing.reply_history import ReplyHistory, campaigns_to_count, reply_history
from models.campaigns.preflight import PreflightFacts, preflight
from models.tables.answer_cost import AnswerSpending
from models.tables.campaign import CampaignStatus
from models.tables.campaign_replies import CampaignReplies
from models.tables.conversation import Conversation, Direction, Message, MessageState
from models.tables.recipient import RecipientState
from tests.support.billing_rig import SPAIN, make_ready, prepare_balance
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

pytestmark = pytest.mark.sqlite_unless_proved
FLOW = FlowMessages(2, 6, has_loops=False)
PAST = ReplyHistory((0.05, 0.2, 0.5), 4, (1.0, 3.0, 9.0))


def _estimate(rt: Runtime, prices: list[Price], people: int = 1000) -> Estimate:
    with rt.database.write() as session:
        if prices:
            save_card(session, "EUR", prices, source="x", now=NOW, actor="cli")
        return estimate_cost(session, "marketing", {"+346": people}, NOW)


SERVICE = [Price("ES", "service", date(2026, 1, 1), 20_000)]


def test_the_flow_and_the_own_history_make_the_estimate_and_free_answers_are_taken_off(rt: Runtime) -> None:
    estimate = _estimate(rt, SERVICE)
    assert estimate.shares == DeliveryShares(0.7, 0.9, 0)
    replies = estimate_replies(estimate, PAST, FLOW, free_left=100)
    assert replies.people == (35, 180, 500)
    assert replies.messages == (70, 540, 3000)
    assert replies.costs == (0, 440 * 20_000, 3000 * 20_000), "high takes no free ones off"
    shown = replies.to_json()
    assert (shown["expected"], shown["per_conversation"]["from"]) == ("8.80", "flow and history")
    assert shown["shares"] == {"low": 0.05, "expected": 0.2, "high": 0.5, "campaigns": 4}
    looping = estimate_replies(estimate, PAST, FlowMessages(4, 5, has_loops=True), 0)
    assert looping.per_conversation == (4.0, 4.0, 9.0), "the flow's shortest way is the least, and a loop has no end"
    assert estimate_replies(estimate, ReplyHistory(), FLOW, 0).per_conversation == (2.0, 4.0, 6.0)
    assert estimate_replies(estimate, ReplyHistory(), None, 0).to_json()["per_conversation"]["from"] == "assumed"
    assert estimate.to_json()["expected"] is None, "the campaign's own cost is unknown and stays so"


def test_an_unknown_price_is_unknown_and_nobody_costs_nothing(rt: Runtime) -> None:
    assert estimate_replies(_estimate(rt, []), PAST, FLOW, 0).costs == (None, None, None)
    france = [Price("FR", "service", date(2026, 1, 1), 20_000)]
    unknown = estimate_replies(_estimate(rt, france), PAST, FLOW, 0)
    assert (unknown.expected, unknown.unknown_people) == (None, 1000)
    nobody = Estimate("marketing", "EUR", 1, (), DeliveryShares())
    assert estimate_replies(nobody, PAST, FLOW, 0).costs == (0, 0, 0)


def test_the_preflight_warns_where_the_balance_covers_the_campaign_and_probably_not_its_answers(rt: Runtime) -> None:
    with rt.database.write() as session:
        service = Price("ES", "service", date(2026, 1, 1), MICRO)
        prepare_balance(session, 11, [SPAIN, service])
        campaign = make_ready(session, 10)
        campaign_id, number_id = campaign.id, campaign.number_id

    def warned() -> list[str]:
        facts = PreflightFacts(flow_messages=FlowMessages(2, 2, has_loops=False))
        with rt.database.read() as session:
            found = preflight(session, campaign_id, NOW, facts).warnings
        return [str(check.text) for check in found if check.key == "replies"]

    assert warned() == [], "the answers of this month are still free"
    with rt.database.write() as session:
        session.add(
            AnswerSpending(number_id=number_id, month=date(2026, 11, 1), currency="EUR", free=1000, counted_at=NOW)
        )
    assert warned() == [
        "Answers to it will probably cost 1.80 EUR more, and 1.00 EUR of the balance would be left for them."
    ]


def test_ended_campaigns_are_counted_once_and_become_the_history(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ENDED, ended_at=NOW)
        for place in range(4):
            contact = make_contact(session)
            row = make_recipient(
                session, campaign, contact, state=RecipientState.ACCEPTED, accepted_at=NOW, delivered_at=NOW,
                replied_at=NOW if place < 2 else None,
            )  # fmt: skip
            chat = Conversation(contact_id=contact.id, number_id=campaign.number_id, created_at=NOW)
            session.add(chat)
            session.flush()
            for state in (MessageState.ACCEPTED, MessageState.REFUSED) if place < 2 else ():
                session.add(
                    Message(
                        conversation_id=chat.id, direction=Direction.OUT, state=state, type="text", at=NOW,
                        recipient_id=row.id,
                    )
                )  # fmt: skip
        campaign_id, number_id = campaign.id, campaign.number_id
        assert campaigns_to_count(session, NOW + timedelta(days=1)) == [], "its conversations may go on"
    assert count_ended_campaigns(rt, NOW + timedelta(days=4)) == 1
    assert count_ended_campaigns(rt, NOW + timedelta(days=5)) == 0
    with rt.database.write() as session:
        counted = session.get_one(CampaignReplies, campaign_id)
        assert (counted.delivered, counted.replied, counted.answers) == (4, 2, 2)
        assert reply_history(session) == ReplyHistory(), "too few to say anything"
        for replied, answers in ((100, 200), (50, 300)):
            other = make_campaign(session, status=CampaignStatus.ENDED, ended_at=NOW, name=f"c{replied}")
            session.add(
                CampaignReplies(campaign_id=other.id, delivered=500, replied=replied, answers=answers, counted_at=NOW)
            )
        session.flush()
        found = reply_history(session)
        assert found.campaigns == 3
        assert found.shares == (0.1, 152 / 1004, 0.5)
        assert found.messages == (1.0, 502 / 152, 6.0)
        assert number_id is not None
        assert free_answers_left(session, number_id, NOW) == 1000
