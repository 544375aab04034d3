"""The outcome of a campaign."""

from datetime import timedelta

from sqlalchemy import select

from jobs.campaigns.monitor import monitor
from jobs.core.runtime import Runtime
from models.campaigns.stats import campaign_stats
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus
from models.tables.engagement import Engagement
from models.tables.recipient import Recipient, RecipientState
from tests.support.ending import in_state, launched, outcome_of
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW


def test_the_outcome_follows_the_rows(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = launched(session, outcome=CampaignOutcome.SENDING, last_sent_at=NOW)
        first, second = in_state(session, campaign, RecipientState.QUEUED, RecipientState.HELD)
    assert outcome_of(rt, campaign.id) is CampaignOutcome.SENDING
    with rt.database.write() as session:
        row = session.get_one(Recipient, first.id)
        row.state, row.accepted_at = RecipientState.ACCEPTED, NOW
    assert outcome_of(rt, campaign.id) is CampaignOutcome.SENDING, "one is held"
    with rt.database.write() as session:
        session.get_one(Recipient, second.id).sent_at = NOW
    assert outcome_of(rt, campaign.id) is CampaignOutcome.SENT
    with rt.database.write() as session:
        session.get_one(Recipient, second.id).failed_at = NOW
    assert outcome_of(rt, campaign.id) is CampaignOutcome.PARTIALLY_SENT, "a late failure turns it"
    with rt.database.write() as session:
        session.get_one(Recipient, first.id).failed_at = NOW
    assert outcome_of(rt, campaign.id) is CampaignOutcome.FAILED


def test_a_message_that_meta_keeps_back_for_ever_keeps_neither_the_campaign_nor_its_outcome(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = launched(session, outcome=CampaignOutcome.SENDING, last_sent_at=NOW)
        in_state(session, campaign, RecipientState.ACCEPTED)
        (held,) = in_state(session, campaign, RecipientState.HELD)
    assert outcome_of(rt, campaign.id) is CampaignOutcome.SENDING
    moment = NOW + timedelta(days=8)
    monitor(rt, moment)
    assert outcome_of(rt, campaign.id) is CampaignOutcome.PARTIALLY_SENT
    with rt.database.read() as session:
        assert session.get_one(Campaign, campaign.id).status is CampaignStatus.ENDED
        assert session.scalars(select(Engagement)).all() == []
        assert campaign_stats(session, campaign.id)["held"] == 1, "the operator sees it"
    with rt.database.write() as session:
        session.get_one(Recipient, held.id).sent_at = moment
    assert outcome_of(rt, campaign.id) is CampaignOutcome.SENT


def test_a_late_failure_turns_the_outcome_of_an_ended_campaign(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = make_campaign(
            session,
            status=CampaignStatus.ENDED,
            launched_at=NOW,
            ended_at=NOW,
            last_sent_at=NOW,
            outcome=CampaignOutcome.SENT,
        )
        (row,) = in_state(session, campaign, RecipientState.ACCEPTED)
        row.failed_at = NOW
    assert outcome_of(rt, campaign.id) is CampaignOutcome.FAILED


def test_a_campaign_of_unsure_ones_is_not_called_failed(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = launched(session)
        in_state(session, campaign, RecipientState.UNSURE, RecipientState.REFUSED)
    assert outcome_of(rt, campaign.id) is CampaignOutcome.PARTIALLY_SENT


def test_a_campaign_that_left_everybody_out_failed(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = launched(session)
    assert outcome_of(rt, campaign.id) is CampaignOutcome.FAILED


def test_a_campaign_that_is_not_launched_yet_is_left_at_preparing(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE, outcome=CampaignOutcome.PREPARING)
    assert outcome_of(rt, campaign.id) is CampaignOutcome.PREPARING
