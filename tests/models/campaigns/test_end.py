"""The end of a campaign: nobody waits for it any longer."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from jobs.campaigns.lifecycle import end_campaign
from jobs.campaigns.monitor import monitor, release_finished_recipients
from jobs.core.runtime import Runtime
from models.campaigns.end import release_slice
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus, TransitionError
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support.ending import in_state, launched, lock
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact


def test_ending_leaves_out_who_waits_lets_who_is_being_sent_finish_and_frees_everybody(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = launched(session)
        other = launched(session)
        waiting, accepted = in_state(session, campaign, RecipientState.QUEUED, RecipientState.ACCEPTED)
        (elsewhere,) = in_state(session, other, RecipientState.QUEUED)
    end_campaign(rt, campaign.id, NOW, "ana@example.com")
    with rt.database.read() as session:
        left_out = session.get_one(Recipient, waiting.id)
        assert (left_out.state, left_out.reason, left_out.due_at) == (
            RecipientState.NOT_SENT,
            NotSent.CAMPAIGN_ENDED,
            None,
        )
        assert session.get_one(Recipient, accepted.id).state is RecipientState.ACCEPTED
        assert session.get_one(Recipient, elsewhere.id).state is RecipientState.QUEUED
        assert list(session.scalars(select(Engagement.person_key))) == [elsewhere.person_key]
        ended = session.get_one(Campaign, campaign.id)
        assert (ended.status, ended.ended_at) == (CampaignStatus.ENDED, NOW)
    with pytest.raises(TransitionError, match="it is ended"):
        end_campaign(rt, campaign.id, NOW, "ana@example.com")


def test_an_end_whose_process_died_between_slices_is_finished_by_the_monitor(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ENDED, launched_at=NOW, ended_at=NOW)
        in_state(session, campaign, *[RecipientState.QUEUED] * 5)
    with rt.database.write() as session:
        assert release_slice(session, campaign.id, size=2) is True
        assert session.scalar(select(func.count()).select_from(Engagement)) == 3
    monitor(rt, NOW)
    with rt.database.read() as session:
        assert set(session.scalars(select(Recipient.reason))) == {NotSent.CAMPAIGN_ENDED}
        assert session.scalar(select(func.count()).select_from(Engagement)) == 0


def test_release_touches_no_campaign_that_has_not_ended(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = launched(session)
        in_state(session, campaign, RecipientState.QUEUED)
    with rt.database.write() as session:
        assert release_slice(session, campaign.id) is False
        assert session.scalar(select(func.count()).select_from(Engagement)) == 1


@pytest.mark.parametrize(
    ("kind", "values", "lasts"),
    [
        (CampaignKind.REAL, {"last_sent_at": NOW}, timedelta(days=7)),
        (CampaignKind.TEST, {"last_sent_at": NOW}, timedelta(hours=24)),
        (CampaignKind.REAL, {}, timedelta(days=7)),
    ],
)
def test_a_forgotten_campaign_ends_by_itself(
    rt: Runtime, kind: CampaignKind, values: dict[str, object], lasts: timedelta
) -> None:
    with rt.database.write() as session:
        campaign = launched(session, kind=kind, **values)
    for moment, status in ((NOW + lasts - timedelta(seconds=1), "active"), (NOW + lasts, "ended")):
        monitor(rt, moment)
        with rt.database.read() as session:
            assert session.get_one(Campaign, campaign.id).status == status


def test_a_paused_campaign_that_is_forgotten_ends_too(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.PAUSED, launched_at=NOW)
    monitor(rt, NOW + timedelta(days=8))
    with rt.database.read() as session:
        ended = session.get_one(Campaign, campaign.id)
        assert (ended.status, ended.pause_reason) == (CampaignStatus.ENDED, None)


def test_whoever_is_done_for_without_a_message_is_free_again(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = launched(session)
        states = (RecipientState.QUEUED, RecipientState.REFUSED, RecipientState.ACCEPTED, RecipientState.UNSURE)
        queued, refused, accepted, unsure = in_state(session, campaign, *states)
        (failed,) = in_state(session, campaign, RecipientState.ACCEPTED)
        failed.failed_at = NOW
        left_out = make_recipient(
            session,
            campaign,
            make_contact(session),
            state=RecipientState.NOT_SENT,
            reason=NotSent.NOT_SUBSCRIBED,
        )
        lock(session, left_out)
    release_finished_recipients(rt, NOW)
    with rt.database.read() as session:
        held = set(session.scalars(select(Engagement.person_key)))
        assert held == {queued.person_key, accepted.person_key, unsure.person_key}
        assert refused.person_key not in held
