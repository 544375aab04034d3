"""The job that launches a campaign."""

from typing import Any

import pytest
from sqlalchemy import func, select

from jobs.campaigns.launch import launch_campaign, resume_launches
from jobs.core.queues import LAUNCH, SEND, queue
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from models.campaigns.launch import launch_slice
from models.clock import utcnow
from models.stored_texts import show_stored
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.recipient import Recipient
from models.tables.tag import Tag
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.contacts import alice, make_contact


def test_a_launch_job_freezes_the_audience_and_wakes_the_number(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE, updated_at=utcnow())
        alice(session)
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
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE, updated_at=utcnow())
        people = [make_contact(session).id for _ in range(7)]

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
        make_contact(session, tags={"other": None})
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE)
        assert session.scalar(select(Tag).where(Tag.name == "vip")) is None
    launch_campaign(campaign.id)
    with rt.database.read() as session:
        paused = session.get_one(Campaign, campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert show_stored(paused.pause_detail) == "the launch stopped: audience.include[0]: there is no tag 'vip'"
        line = session.scalars(select(Audit).where(Audit.action == AuditAction.PAUSE)).one()
        assert (line.actor, line.object_id) == ("launch", str(campaign.id))
        assert line.detail == {"reason": "launch_stopped", "detail": paused.pause_detail}
