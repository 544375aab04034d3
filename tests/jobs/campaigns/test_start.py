"""Starts at their instant and pauses that lift by themselves, with several schedules at once, on both databases."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import func, select, update

from bot.meta.management import GraphError
from jobs.campaigns.hold_resume import pause_while_ingest_lags, resume_when_clear
from jobs.campaigns.start import (
    MetaUnavailableError,
    refresh_from_meta,
    start_campaign,
    start_scheduled,
    wake_scheduled,
)
from jobs.core.queues import CHORES, queue
from jobs.sending.effects import pause_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import META_SAYS
from models.tables.audit import Audit
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.number import Number
from tests.support.cli_app import Shell

pytestmark = pytest.mark.usefixtures("number_and_people_added")

SCHEDULES = 3


def campaign_of(shell: Shell, campaign_id: int) -> Campaign:
    with shell.rt.database.read() as session:
        return session.get_one(Campaign, campaign_id)


def at_once(work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(SCHEDULES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def audited(shell: Shell, action: str) -> int:
    with shell.rt.database.read() as session:
        return session.scalar(select(func.count()).where(Audit.action == action)) or 0


def scheduled(shell: Shell) -> int:
    campaign_id = shell.add_campaign()
    at = (utcnow() + timedelta(hours=1)).isoformat()
    shell.ok("campaigns", "schedule", str(campaign_id), "--at", at if "+" in at else f"{at}+00:00")
    with shell.rt.database.write() as session:
        just_now = utcnow() - timedelta(seconds=3)
        session.execute(update(Campaign).where(Campaign.id == campaign_id).values(scheduled_at=just_now))
    return campaign_id


@pytest.mark.race
def test_schedules_at_the_same_moment_start_a_campaign_once(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    campaign_id = scheduled(shell)
    at_once(lambda: start_scheduled(campaign_id))
    assert campaign_of(shell, campaign_id).status is CampaignStatus.ACTIVE
    assert audited(shell, "start") == 1
    assert audited(shell, "unschedule") == 0
    assert "not started" not in caplog.text


def test_a_start_whose_wake_up_was_lost_with_redis_is_woken_again(shell: Shell) -> None:
    campaign_id = scheduled(shell)
    assert wake_scheduled(shell.rt, utcnow()) == 1
    shell.rt.redis.flushall()
    at_once(lambda: wake_scheduled(shell.rt, utcnow()))
    assert queue(shell.rt.redis, CHORES).count == 1
    SimpleWorker([queue(shell.rt.redis, CHORES)], connection=shell.rt.redis, serializer=JSONSerializer).work(burst=True)
    assert campaign_of(shell, campaign_id).status is CampaignStatus.ACTIVE


def limited(shell: Shell, minutes: int) -> int:
    """Started, and paused by the portfolio's limit until so many minutes from now."""
    campaign_id = shell.add_campaign()
    start_campaign(shell.rt, campaign_id, utcnow(), "ana@example.com")
    until = utcnow() + timedelta(minutes=minutes)
    assert pause_campaign(
        shell.rt,
        campaign_id,
        PauseReason.LIMIT_REACHED,
        META_SAYS(said="The limit is met."),
        utcnow(),
        resumes_at=until,
    )
    return campaign_id


def woken(shell: Shell) -> list[str | None]:
    return [job.func_name for job in queue(shell.rt.redis, CHORES).jobs]


def test_a_pause_lifts_at_its_time_and_once(shell: Shell) -> None:
    campaign_id = limited(shell, minutes=5)
    pause_while_ingest_lags(shell.rt, utcnow())
    resume_when_clear(campaign_id)
    assert woken(shell) == []
    assert campaign_of(shell, campaign_id).status is CampaignStatus.PAUSED
    with shell.rt.database.write() as session:
        session.execute(update(Campaign).values(resumes_at=utcnow()))
    at_once(lambda: pause_while_ingest_lags(shell.rt, utcnow()))
    assert woken(shell) == ["jobs.campaigns.hold_resume.resume_when_clear"]
    at_once(lambda: resume_when_clear(campaign_id))
    campaign = campaign_of(shell, campaign_id)
    assert (campaign.status, campaign.pause_reason, campaign.resumes_at) == (CampaignStatus.ACTIVE, None, None)
    assert audited(shell, "resume") == 1


def test_a_pause_whose_time_is_over_does_not_lift_where_meta_says_no(shell: Shell) -> None:
    campaign_id = limited(shell, minutes=-1)
    template = shell.meta.sim.world.find_template("spring_sale", "en")
    assert template is not None
    template.status = "PAUSED"
    resume_when_clear(campaign_id)
    assert campaign_of(shell, campaign_id).status is CampaignStatus.PAUSED
    template.status = "APPROVED"
    resume_when_clear(campaign_id)
    assert campaign_of(shell, campaign_id).status is CampaignStatus.ACTIVE


def test_a_paused_campaign_that_was_ended_does_not_go_on(shell: Shell) -> None:
    campaign_id = limited(shell, minutes=-1)
    shell.ok("campaigns", "end", str(campaign_id))
    pause_while_ingest_lags(shell.rt, utcnow())
    resume_when_clear(campaign_id)
    assert woken(shell) == []
    assert campaign_of(shell, campaign_id).status is CampaignStatus.ENDED


def meanwhile(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """`change` happens while Meta is being asked."""

    def ask(*given: object) -> None:
        refresh_from_meta(*given)  # type: ignore[arg-type]
        change()

    monkeypatch.setattr("jobs.campaigns.start.refresh_from_meta", ask)


def test_a_schedule_that_is_moved_while_meta_is_asked_does_not_start(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = scheduled(shell)
    later = utcnow() + timedelta(hours=2)

    def move() -> None:
        with shell.rt.database.write() as session:
            session.execute(update(Campaign).where(Campaign.id == campaign_id).values(scheduled_at=later))

    meanwhile(monkeypatch, move)
    start_scheduled(campaign_id)
    found = campaign_of(shell, campaign_id)
    assert (found.status, found.scheduled_at) == (CampaignStatus.SCHEDULED, later)


def test_a_campaign_that_is_edited_while_meta_is_asked_does_not_start(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = shell.add_campaign()

    def edit() -> None:
        with shell.rt.database.write() as session:
            session.execute(
                update(Campaign).where(Campaign.id == campaign_id).values(name="Other", updated_at=utcnow())
            )

    meanwhile(monkeypatch, edit)
    with pytest.raises(OperatorError, match="changed while it was being checked"):
        start_campaign(shell.rt, campaign_id, utcnow(), "test")
    assert campaign_of(shell, campaign_id).status is CampaignStatus.READY


def test_a_token_that_may_not_ask_about_marketing_starts_by_what_is_known_and_an_outage_does_not(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id, answers = shell.add_campaign(), [GraphError("no"), GraphError("away", is_transient=True)]

    def refuse(*_given: object) -> None:
        raise answers.pop(0)

    monkeypatch.setattr("jobs.campaigns.start.read_marketing_state", refuse)
    refresh_from_meta(shell.rt, campaign_id, utcnow())
    assert len(answers) == 2, "a number that sends by the Cloud API asks nothing"
    with shell.rt.database.write() as session:
        session.execute(update(Number).values(marketing_api=True))
    refresh_from_meta(shell.rt, campaign_id, utcnow())
    with pytest.raises(MetaUnavailableError):
        refresh_from_meta(shell.rt, campaign_id, utcnow())
