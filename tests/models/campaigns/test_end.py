"""A campaign's end and its outcome, and who is let go when."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.campaigns.launch import launch_campaign, resume_launches
from jobs.campaigns.lifecycle import end_campaign
from jobs.campaigns.monitor import monitor, release_finished_recipients
from jobs.core.queues import LAUNCH, SEND, queue
from jobs.core.runtime import Runtime, use_runtime
from jobs.core.shutdown import SHUTDOWN
from models.campaigns.end import release_slice
from models.campaigns.launch import launch_slice
from models.campaigns.stats import campaign_stats
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.stored_texts import show_stored
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import Campaign, CampaignKind, CampaignOutcome, CampaignStatus, TransitionError
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.tag import Tag
from tests.support import factories
from tests.support.factories import NOW


@pytest.fixture
def rt(database_url: str, redis_url: str, redis: object, tmp_path: Path) -> Iterator[Runtime]:
    settings = Settings(database_url, redis_url, tmp_path, encryption_keys=(new_encryption_key(),))
    runtime = Runtime(settings)
    with use_runtime(runtime):
        yield runtime
    runtime.close()


def _lock(session: Session, recipient: Recipient) -> None:
    session.add(
        Engagement(
            person_key=recipient.person_key,
            campaign_id=recipient.campaign_id,
            contact_id=recipient.contact_id,
            created_at=NOW,
        )
    )


def _in_state(session: Session, campaign: Campaign, *states: RecipientState) -> list[Recipient]:
    made = []
    for state in states:
        contact = factories.make_contact(session)
        accepted_at = NOW if state in {RecipientState.ACCEPTED, RecipientState.HELD} else None
        made.append(factories.make_recipient(session, campaign, contact, state=state, accepted_at=accepted_at))
        _lock(session, made[-1])
    return made


def _outcome(rt: Runtime, campaign_id: int) -> CampaignOutcome | None:
    monitor(rt, NOW)
    with rt.database.read() as session:
        return session.get_one(Campaign, campaign_id).outcome


def _launched(session: Session, **values: object) -> Campaign:
    return factories.make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW, **values)  # type: ignore[arg-type]


def test_a_launch_job_freezes_the_audience_and_wakes_the_number(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = factories.make_campaign(session, status=CampaignStatus.ACTIVE, updated_at=utcnow())
        factories.alice(session)
    assert resume_launches(rt) == 1, "nobody is at it"
    assert resume_launches(rt) == 0, "a wake-up waits already"
    assert [job.func_name for job in queue(rt.redis, LAUNCH).jobs] == ["jobs.campaigns.launch.launch_campaign"]
    launch_campaign(campaign.id)
    assert [job.args for job in queue(rt.redis, SEND).jobs] == [[campaign.number_id]]
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Recipient)) == 1
        assert session.get_one(Campaign, campaign.id).launched_at is not None
    launch_campaign(campaign.id)
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Recipient)) == 1


def test_a_launch_whose_process_must_stop_is_given_to_the_next_one_at_once(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rt.database.write() as session:
        campaign = factories.make_campaign(session, status=CampaignStatus.ACTIVE, updated_at=utcnow())
        people = [factories.make_contact(session).id for _ in range(7)]

    def launch_one_slice(*arguments: Any) -> bool:
        SHUTDOWN.set()  # the signal comes while the first slice is at work
        return launch_slice(*arguments)

    try:
        with monkeypatch.context() as patch:
            patch.setattr("jobs.campaigns.launch.FIRST_SLICE", 3)
            patch.setattr("jobs.campaigns.launch.launch_slice", launch_one_slice)
            launch_campaign(campaign.id)
    finally:
        SHUTDOWN.clear()
    with rt.database.read() as session:
        assert list(session.scalars(select(Recipient.contact_id).order_by(Recipient.id))) == people[:3]
        assert session.get_one(Campaign, campaign.id).launch_token is None
    assert [job.func_name for job in queue(rt.redis, LAUNCH).jobs] == ["jobs.campaigns.launch.launch_campaign"]
    launch_campaign(campaign.id)
    with rt.database.read() as session:
        assert list(session.scalars(select(Recipient.contact_id).order_by(Recipient.id))) == people


def test_a_launch_whose_tag_was_deleted_pauses_with_the_reason(rt: Runtime) -> None:
    with rt.database.write() as session:
        factories.make_contact(session, tags={"other": None})
        campaign = factories.make_campaign(session, status=CampaignStatus.ACTIVE)
        assert session.scalar(select(Tag).where(Tag.name == "vip")) is None
    launch_campaign(campaign.id)
    with rt.database.read() as session:
        paused = session.get_one(Campaign, campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert show_stored(paused.pause_detail) == "the launch stopped: audience.include[0]: there is no tag 'vip'"
        line = session.scalars(select(Audit).where(Audit.action == AuditAction.PAUSE)).one()
        assert (line.actor, line.object_id) == ("launch", str(campaign.id))
        assert line.detail == {"reason": "operator", "detail": paused.pause_detail}


def test_ending_leaves_out_who_waits_lets_who_is_being_sent_finish_and_frees_everybody(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = _launched(session)
        other = _launched(session)
        waiting, accepted = _in_state(session, campaign, RecipientState.QUEUED, RecipientState.ACCEPTED)
        (elsewhere,) = _in_state(session, other, RecipientState.QUEUED)
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
        campaign = factories.make_campaign(session, status=CampaignStatus.ENDED, launched_at=NOW, ended_at=NOW)
        _in_state(session, campaign, *[RecipientState.QUEUED] * 5)
    with rt.database.write() as session:
        assert release_slice(session, campaign.id, size=2) is True
        assert session.scalar(select(func.count()).select_from(Engagement)) == 3
    monitor(rt, NOW)
    with rt.database.read() as session:
        assert set(session.scalars(select(Recipient.reason))) == {NotSent.CAMPAIGN_ENDED}
        assert session.scalar(select(func.count()).select_from(Engagement)) == 0


def test_release_touches_no_campaign_that_has_not_ended(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = _launched(session)
        _in_state(session, campaign, RecipientState.QUEUED)
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
        campaign = _launched(session, kind=kind, **values)
    for moment, status in ((NOW + lasts - timedelta(seconds=1), "active"), (NOW + lasts, "ended")):
        monitor(rt, moment)
        with rt.database.read() as session:
            assert session.get_one(Campaign, campaign.id).status == status


def test_a_paused_campaign_that_is_forgotten_ends_too(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = factories.make_campaign(session, status=CampaignStatus.PAUSED, launched_at=NOW)
    monitor(rt, NOW + timedelta(days=8))
    with rt.database.read() as session:
        ended = session.get_one(Campaign, campaign.id)
        assert (ended.status, ended.pause_reason) == (CampaignStatus.ENDED, None)


def test_whoever_is_done_for_without_a_message_is_free_again(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = _launched(session)
        states = (RecipientState.QUEUED, RecipientState.REFUSED, RecipientState.ACCEPTED, RecipientState.UNSURE)
        queued, refused, accepted, unsure = _in_state(session, campaign, *states)
        (failed,) = _in_state(session, campaign, RecipientState.ACCEPTED)
        failed.failed_at = NOW
        left_out = factories.make_recipient(
            session,
            campaign,
            factories.make_contact(session),
            state=RecipientState.NOT_SENT,
            reason=NotSent.NOT_SUBSCRIBED,
        )
        _lock(session, left_out)
    release_finished_recipients(rt, NOW)
    with rt.database.read() as session:
        held = set(session.scalars(select(Engagement.person_key)))
        assert held == {queued.person_key, accepted.person_key, unsure.person_key}
        assert refused.person_key not in held


def test_the_outcome_follows_the_rows(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = _launched(session, outcome=CampaignOutcome.SENDING, last_sent_at=NOW)
        first, second = _in_state(session, campaign, RecipientState.QUEUED, RecipientState.HELD)
    assert _outcome(rt, campaign.id) is CampaignOutcome.SENDING
    with rt.database.write() as session:
        row = session.get_one(Recipient, first.id)
        row.state, row.accepted_at = RecipientState.ACCEPTED, NOW
    assert _outcome(rt, campaign.id) is CampaignOutcome.SENDING, "one is held"
    with rt.database.write() as session:
        session.get_one(Recipient, second.id).sent_at = NOW
    assert _outcome(rt, campaign.id) is CampaignOutcome.SENT
    with rt.database.write() as session:
        session.get_one(Recipient, second.id).failed_at = NOW
    assert _outcome(rt, campaign.id) is CampaignOutcome.PARTIALLY_SENT, "a late failure turns it"
    with rt.database.write() as session:
        session.get_one(Recipient, first.id).failed_at = NOW
    assert _outcome(rt, campaign.id) is CampaignOutcome.FAILED


def test_a_message_that_meta_keeps_back_for_ever_keeps_neither_the_campaign_nor_its_outcome(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = _launched(session, outcome=CampaignOutcome.SENDING, last_sent_at=NOW)
        _in_state(session, campaign, RecipientState.ACCEPTED)
        (held,) = _in_state(session, campaign, RecipientState.HELD)
    assert _outcome(rt, campaign.id) is CampaignOutcome.SENDING
    moment = NOW + timedelta(days=8)
    monitor(rt, moment)
    assert _outcome(rt, campaign.id) is CampaignOutcome.PARTIALLY_SENT
    with rt.database.read() as session:
        assert session.get_one(Campaign, campaign.id).status is CampaignStatus.ENDED
        assert session.scalars(select(Engagement)).all() == []
        assert campaign_stats(session, campaign.id)["held"] == 1, "the operator sees it"
    with rt.database.write() as session:
        session.get_one(Recipient, held.id).sent_at = moment
    assert _outcome(rt, campaign.id) is CampaignOutcome.SENT


def test_a_late_failure_turns_the_outcome_of_an_ended_campaign(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = factories.make_campaign(
            session,
            status=CampaignStatus.ENDED,
            launched_at=NOW,
            ended_at=NOW,
            last_sent_at=NOW,
            outcome=CampaignOutcome.SENT,
        )
        (row,) = _in_state(session, campaign, RecipientState.ACCEPTED)
        row.failed_at = NOW
    assert _outcome(rt, campaign.id) is CampaignOutcome.FAILED


def test_a_campaign_of_unsure_ones_is_not_called_failed(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = _launched(session)
        _in_state(session, campaign, RecipientState.UNSURE, RecipientState.REFUSED)
    assert _outcome(rt, campaign.id) is CampaignOutcome.PARTIALLY_SENT


def test_a_campaign_that_left_everybody_out_failed(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = _launched(session)
    assert _outcome(rt, campaign.id) is CampaignOutcome.FAILED


def test_a_campaign_that_is_not_launched_yet_is_left_at_preparing(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = factories.make_campaign(session, status=CampaignStatus.ACTIVE, outcome=CampaignOutcome.PREPARING)
    assert _outcome(rt, campaign.id) is CampaignOutcome.PREPARING
