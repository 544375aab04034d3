"""A database that is put back from a copy sends nothing by itself, whatever it holds; on both databases."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from jobs.campaigns.launch import launch_campaign
from jobs.campaigns.lifecycle import end_campaign, resume_campaign
from jobs.campaigns.start import start_campaign, start_scheduled
from jobs.core.runtime import Runtime
from jobs.ingest.apply import apply_parsed
from jobs.restore.epoch_copies import FILE, KEY
from jobs.restore.watch import hold_if_restored, look_after_holds, open_guarded
from jobs.sending.serve import serve
from jobs.sending.wake import lacking_lanes
from models.clock import utcnow
from models.events.types import Callback, Parsed, Status
from models.restore.hold import current_hold
from models.restore.release import HeldError
from models.sending.lease import open_lane
from models.stored_texts import RESTORED
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.database_hold import HoldCause
from models.tables.number import Number
from models.tables.recipient import Recipient
from tests.support.cli_app import Shell
from tests.support.database_copy import copy_database, restored

PEOPLE = 20


@pytest.fixture
def with_people(shell: Shell, number_added: None) -> Shell:
    """An installation with a number and twenty people who subscribed."""
    rows = [f"+4477009{place:05d},Ann {place},en,subscribed,web,vip" for place in range(PEOPLE)]
    shell.ok(
        "contacts",
        "import",
        shell.file("many.csv", "\n".join(["phone,name,language,consent,consent_source,tags", *rows])),
    )
    look_after_holds(shell.rt, utcnow())  # the schedule ran
    return shell


def send_all(rt: Runtime, campaign_id: int) -> None:
    """Start it, launch it and send it."""
    start_campaign(rt, campaign_id, utcnow(), "ann@example.com")
    launch_campaign(campaign_id)
    serve(rt, number_of(rt))


def number_of(rt: Runtime) -> int:
    with rt.database.read() as session:
        return session.scalars(select(Number.id)).one()


def states(rt: Runtime, campaign_id: int) -> dict[str, int]:
    with rt.database.read() as session:
        query = select(Recipient.state, func.count()).where(Recipient.campaign_id == campaign_id)
        return {str(state): count for state, count in session.execute(query.group_by(Recipient.state))}


def status_of(rt: Runtime, campaign_id: int) -> tuple[CampaignStatus, PauseReason | None]:
    with rt.database.read() as session:
        campaign = session.get_one(Campaign, campaign_id)
        return campaign.status, campaign.pause_reason


def held_for(rt: Runtime) -> HoldCause | None:
    with rt.database.read() as session:
        hold = current_hold(session)
        return None if hold is None else hold.cause


def test_who_was_written_to_after_the_copy_is_not_written_to_again(with_people: Shell, tmp_path: Path) -> None:
    campaign_id = with_people.add_campaign()
    start_campaign(with_people.rt, campaign_id, utcnow(), "ann@example.com")
    launch_campaign(campaign_id)
    copy = copy_database(with_people.rt, tmp_path)
    serve(with_people.rt, number_of(with_people.rt))
    assert len(with_people.meta.store.messages) == PEOPLE

    with restored(with_people.rt, copy) as rt:
        serve(rt, number_of(rt))  # whoever comes first notices it
        assert held_for(rt) is HoldCause.BEHIND
        assert status_of(rt, campaign_id) == (CampaignStatus.PAUSED, PauseReason.DATABASE_RESTORED)
        with pytest.raises(HeldError, match="still being unsubscribed"):
            resume_campaign(rt, campaign_id, utcnow(), "ann@example.com")
        look_after_holds(rt, utcnow())
        assert states(rt, campaign_id) == {"unsure": PEOPLE}
        with rt.database.read() as session:
            assert set(session.scalars(select(Recipient.detail))) == {RESTORED().stored()}
        resume_campaign(rt, campaign_id, utcnow(), "ann@example.com")
        assert lacking_lanes(rt, utcnow()) == set()
        serve(rt, number_of(rt))
    assert len(with_people.meta.store.messages) == PEOPLE


def test_a_campaign_that_waits_in_the_copy_starts_only_on_purpose(with_people: Shell, tmp_path: Path) -> None:
    campaign_id = with_people.add_campaign()
    with_people.ok("campaigns", "schedule", str(campaign_id), "--at", (utcnow() + timedelta(hours=1)).isoformat())
    copy = copy_database(with_people.rt, tmp_path)
    send_all(with_people.rt, campaign_id)

    with restored(with_people.rt, copy) as rt:
        with rt.database.write() as session:
            just_now = utcnow() - timedelta(seconds=3)
            session.execute(update(Campaign).values(scheduled_at=just_now))
        start_scheduled(campaign_id)
        assert held_for(rt) is HoldCause.BEHIND
        look_after_holds(rt, utcnow())
        assert status_of(rt, campaign_id) == (CampaignStatus.READY, None)
        with pytest.raises(HeldError, match="may have been sent since"):
            start_campaign(rt, campaign_id, utcnow(), "ann@example.com")
        start_campaign(rt, campaign_id, utcnow(), "ann@example.com", is_after_restore=True)
        launch_campaign(campaign_id)
        serve(rt, number_of(rt))
        assert held_for(rt) is HoldCause.BEHIND  # answers wait until an operator lets them go on
    assert len(with_people.meta.store.messages) == 2 * PEOPLE


def test_a_campaign_made_after_the_hold_needs_no_further_word(with_people: Shell, tmp_path: Path) -> None:
    first_id = with_people.add_campaign()
    copy = copy_database(with_people.rt, tmp_path)
    send_all(with_people.rt, first_id)
    with restored(with_people.rt, copy) as rt:
        look_after_holds(rt, utcnow())
        assert held_for(rt) is HoldCause.BEHIND
        with rt.database.write() as session:
            original = session.get_one(Campaign, first_id)
            later = Campaign(
                **{
                    name: getattr(original, name)
                    for name in (
                        "name", "kind", "status", "number_id", "template_id", "audience", "variables", "media",
                        "ends_after_seconds", "created_at", "updated_at",
                    )
                }
            )  # fmt: skip
            session.add(later)
            session.flush()
            later_id = later.id
        start_campaign(rt, later_id, utcnow(), "ann@example.com")
        assert status_of(rt, later_id) == (CampaignStatus.ACTIVE, None)


def test_no_id_that_the_lost_database_may_have_given_is_given_again(with_people: Shell, tmp_path: Path) -> None:
    campaign_id = with_people.add_campaign()
    copy = copy_database(with_people.rt, tmp_path)
    send_all(with_people.rt, campaign_id)
    with with_people.rt.database.read() as session:
        lost = session.scalars(select(func.max(Recipient.id))).one()
    with restored(with_people.rt, copy) as rt:
        look_after_holds(rt, utcnow())
        start_campaign(rt, campaign_id, utcnow(), "ann@example.com", is_after_restore=True)
        launch_campaign(campaign_id)
        with rt.database.read() as session:
            assert session.scalars(select(func.min(Recipient.id))).one() > lost + 1_000_000_000


def test_a_database_that_never_sent_anything_needs_no_copy(with_people: Shell) -> None:
    assert not hold_if_restored(with_people.rt, utcnow())
    assert held_for(with_people.rt) is None


def test_one_that_sent_before_is_held_on_a_new_machine(with_people: Shell, tmp_path: Path) -> None:
    send_all(with_people.rt, with_people.add_campaign())
    copy = copy_database(with_people.rt, tmp_path)
    with_people.rt.redis.delete(KEY)
    with restored(with_people.rt, copy, var_dir=tmp_path / "elsewhere") as rt:
        assert hold_if_restored(rt, utcnow())
        assert held_for(rt) is HoldCause.NO_COPY
        assert not hold_if_restored(rt, utcnow())  # it is noticed once


@pytest.mark.parametrize("lost", ["redis", "file"])
def test_either_copy_is_enough_to_notice_an_older_database(with_people: Shell, tmp_path: Path, lost: str) -> None:
    campaign_id = with_people.add_campaign()
    copy = copy_database(with_people.rt, tmp_path)
    send_all(with_people.rt, campaign_id)
    if lost == "redis":
        with_people.rt.redis.flushall()
    else:
        (with_people.rt.settings.var_dir / FILE).write_text("{", encoding="utf-8")
    with restored(with_people.rt, copy) as rt:
        assert hold_if_restored(rt, utcnow())


def test_losing_redis_alone_holds_nothing(with_people: Shell) -> None:
    first = with_people.add_campaign()
    send_all(with_people.rt, first)
    end_campaign(with_people.rt, first, utcnow(), "ann@example.com")
    with_people.rt.redis.flushall()
    assert not hold_if_restored(with_people.rt, utcnow())
    again = with_people.add_campaign(name="Again")
    send_all(with_people.rt, again)
    assert states(with_people.rt, again) == {"accepted": PEOPLE}


def test_the_copies_of_another_installation_count_for_nothing(with_people: Shell) -> None:
    send_all(with_people.rt, with_people.add_campaign())
    with_people.rt.redis.hset(KEY, "another", 10**9)
    assert not hold_if_restored(with_people.rt, utcnow())
    path = with_people.rt.settings.var_dir / FILE
    path.write_text('{"installation": "another", "epoch": 1000000000}', encoding="utf-8")
    assert not hold_if_restored(with_people.rt, utcnow())


def speak(rt: Runtime, recipient_id: int, attempt: int, installation: str | None = None) -> None:
    """A status of Meta arrives."""
    callback = Callback(installation or rt.installation, recipient_id, None, attempt)
    status = Status(f"wamid.{recipient_id}", "delivered", utcnow(), callback=callback)
    apply_parsed(rt, [Parsed(statuses=[status])])


def test_a_status_of_a_message_that_was_not_sent_yet_proves_it(with_people: Shell) -> None:
    campaign_id = with_people.add_campaign()
    start_campaign(with_people.rt, campaign_id, utcnow(), "ann@example.com")
    launch_campaign(campaign_id)
    with with_people.rt.database.read() as session:
        first = session.scalars(select(func.min(Recipient.id))).one()
    speak(with_people.rt, first, 1)
    assert held_for(with_people.rt) is HoldCause.OUTSIDE
    look_after_holds(with_people.rt, utcnow())
    assert states(with_people.rt, campaign_id) == {"unsure": PEOPLE}
    speak(with_people.rt, first, 2)  # what Meta says of any attempt settles the row
    assert states(with_people.rt, campaign_id) == {"unsure": PEOPLE - 1, "accepted": 1}


def test_a_status_of_a_recipient_who_was_never_there_proves_it(with_people: Shell) -> None:
    send_all(with_people.rt, with_people.add_campaign())
    speak(with_people.rt, 10**6, 1)
    assert held_for(with_people.rt) is HoldCause.OUTSIDE


def test_purged_foreign_and_known_messages_prove_nothing(with_people: Shell) -> None:
    campaign_id = with_people.add_campaign()
    send_all(with_people.rt, campaign_id)
    with with_people.rt.database.write() as session:
        first = session.scalars(select(Recipient).order_by(Recipient.id)).first()
        assert first is not None
        gone = first.id
        session.delete(first)
    speak(with_people.rt, gone, 1)
    speak(with_people.rt, gone + 1, 1)
    speak(with_people.rt, 10**6, 1, installation="another")
    assert held_for(with_people.rt) is None


def test_nothing_that_ran_for_an_hour_pauses_what_is_active(with_people: Shell) -> None:
    campaign_id = with_people.add_campaign()
    start_campaign(with_people.rt, campaign_id, utcnow(), "ann@example.com")
    look_after_holds(with_people.rt, utcnow())
    look_after_holds(with_people.rt, utcnow() + timedelta(minutes=59))
    assert status_of(with_people.rt, campaign_id) == (CampaignStatus.ACTIVE, None)
    look_after_holds(with_people.rt, utcnow() + timedelta(minutes=59 + 61))
    assert status_of(with_people.rt, campaign_id) == (CampaignStatus.PAUSED, PauseReason.NOT_SERVED)
    launch_campaign(campaign_id)
    resume_campaign(with_people.rt, campaign_id, utcnow(), "ann@example.com")
    assert status_of(with_people.rt, campaign_id) == (CampaignStatus.ACTIVE, None)


@pytest.mark.race
def test_those_who_begin_at_once_are_not_taken_for_an_older_database(with_people: Shell) -> None:
    rt = with_people.rt
    rt.redis.delete(KEY)
    (rt.settings.var_dir / FILE).unlink()
    begin = threading.Barrier(6)
    opened: list[int | None] = []

    def work() -> None:
        begin.wait()
        opened.append(open_guarded(rt, lambda session: open_lane(session, None, "host", 1)))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert held_for(rt) is None
    assert None not in opened
    assert len(set(opened)) == 6


def test_a_host_without_a_copy_of_its_own_gets_one(with_people: Shell) -> None:
    rt = with_people.rt
    send_all(rt, with_people.add_campaign())
    (rt.settings.var_dir / FILE).unlink()
    look_after_holds(rt, utcnow() + timedelta(seconds=31))
    assert (rt.settings.var_dir / FILE).exists()
    rt.redis.delete(KEY)
    look_after_holds(rt, utcnow() + timedelta(seconds=62))
    assert rt.redis.exists(KEY)
    assert held_for(rt) is None
