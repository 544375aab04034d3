"""A campaign of several languages: each person gets theirs once, and what Meta says of one template stops its people alone."""

import threading
import time

import pytest
from sqlalchemy import select, update

from bot.sandbox.template import SandboxTemplate
from jobs.sending import lane
from jobs.sending.serve import serve
from jobs.sending.wake import lacking_lanes
from models.campaigns.cohort_pause import pause_cohorts, resume_cohort
from models.campaigns.end import overdue_campaigns
from models.campaigns.outcome import changed_outcomes, settle_outcomes
from models.clock import utcnow
from models.stored_texts import META_SAYS
from models.tables.audit import META, Audit
from models.tables.campaign import CampaignOutcome, CampaignStatus, PauseReason
from models.tables.cohort import Cohort
from models.tables.recipient import Recipient
from tests.support.sending_rig import Sending, phones

pytestmark = pytest.mark.usefixtures("idle_lanes_end_soon")

EN, ES, PT = phones(20), phones(20, 100), phones(20, 200)


def template_at_meta(sending: Sending, language: str) -> SandboxTemplate:
    found = sending.sandbox.call(sending.sandbox.sim.world.find_template, "spring_sale", language)
    assert found is not None
    return found


def queued(sending: Sending, campaign_id: int) -> dict[str, int]:
    cohorts = sending.cohorts(campaign_id)
    with sending.rt.database.read() as session:
        rows = session.execute(
            select(Recipient.cohort_id, Recipient.state).where(Recipient.campaign_id == campaign_id)
        ).all()
    return {code: sum(row == (cohort.id, "queued") for row in rows) for code, cohort in cohorts.items()}


def pause_language(sending: Sending, campaign_id: int, language: str) -> None:
    cohort = sending.cohorts(campaign_id)[language]
    with sending.rt.database.write() as session:
        detail = META_SAYS(said="low quality")
        pause_cohorts(session, campaign_id, cohort.template_id, PauseReason.TEMPLATE_PAUSED, detail, utcnow(), META)


def test_everybody_gets_one_message_in_their_language_and_no_language_waits_for_another(sending: Sending) -> None:
    campaign_id = sending.several({"en": EN, "es": ES, "pt_BR": PT}, pace=30)
    assert serve(sending.rt, sending.number_id) == 60
    assert sending.states(campaign_id) == {"accepted": 60}
    assert sending.languages_got() == {"en": 20, "es": 20, "pt_BR": 20}
    assert sending.sandbox.stats()["duplicates"]["count"] == 0
    of_people = {f"+{message.to.lstrip(chr(43))}": message.language for message in sending.sandbox.store.messages}
    assert {of_people[phone] for phone in ES} == {"es"}
    first = [message.language for message in sending.sandbox.store.messages][:12]
    assert set(first) == {"en", "es", "pt_BR"}


def test_a_template_that_meta_pauses_stops_the_people_of_its_language_alone(sending: Sending) -> None:
    campaign_id = sending.several({"en": EN, "es": ES, "pt_BR": PT})
    template_at_meta(sending, "es").status = "PAUSED"

    serve(sending.rt, sending.number_id)

    assert sending.row(campaign_id).status is CampaignStatus.ACTIVE
    assert queued(sending, campaign_id) == {"en": 0, "es": 20, "pt_BR": 0}
    cohorts = sending.cohorts(campaign_id)
    assert {code: cohort.pause_reason for code, cohort in cohorts.items()} == {
        "en": None, "es": PauseReason.TEMPLATE_PAUSED, "pt_BR": None,
    }  # fmt: skip
    assert lacking_lanes(sending.rt, utcnow()) == set(), "nobody is woken for people who wait for Meta"
    with sending.rt.database.read() as session:
        entry = session.scalars(select(Audit).where(Audit.object_type == "cohort")).one()
        assert (entry.action, entry.object_id) == ("pause", str(cohorts["es"].id))
        assert (entry.detail or {})["language"] == "es"

    template_at_meta(sending, "es").status = "APPROVED"
    with sending.rt.database.write() as session:
        assert resume_cohort(session, cohorts["es"].id, utcnow(), META)
        assert not resume_cohort(session, cohorts["es"].id, utcnow(), META)
    assert lacking_lanes(sending.rt, utcnow()) == {sending.number_id}
    serve(sending.rt, sending.number_id)
    assert sending.states(campaign_id) == {"accepted": 60}
    assert sending.sandbox.stats()["duplicates"]["count"] == 0


def test_a_campaign_of_one_language_pauses_as_a_whole(sending: Sending) -> None:
    campaign_id = sending.campaign(EN)
    template_at_meta(sending, "en").status = "PAUSED"
    serve(sending.rt, sending.number_id)
    campaign = sending.row(campaign_id)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.TEMPLATE_PAUSED)
    assert sending.cohorts(campaign_id)["en"].paused_at is None


def test_a_campaign_with_a_paused_language_is_still_sending_and_ends_when_its_time_is_over(sending: Sending) -> None:
    campaign_id = sending.several({"en": EN, "es": ES})
    pause_language(sending, campaign_id, "es")
    serve(sending.rt, sending.number_id)
    now = utcnow()
    with sending.rt.database.write() as session:
        settle_outcomes(session, [campaign_id])
        assert changed_outcomes(session, now) == []
        assert overdue_campaigns(session, now) == []
    campaign = sending.row(campaign_id)
    assert campaign.outcome is CampaignOutcome.SENDING
    assert campaign.last_sent_at is not None
    with sending.rt.database.read() as session:
        over = campaign.last_sent_at.timestamp() + campaign.ends_after_seconds + 1
        assert overdue_campaigns(session, now.fromtimestamp(over, now.tzinfo)) == [campaign_id]


@pytest.mark.race
def test_two_lanes_and_a_language_that_is_paused_and_resumed_meanwhile_lose_and_double_nobody(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr(lane, "IDLE_SECONDS", 1.0)
    people = {"en": phones(60), "es": phones(60, 1000), "pt_BR": phones(60, 2000)}
    campaign_id = sending.several(people, pace=150)
    threads = [threading.Thread(target=serve, args=(sending.rt, sending.number_id)) for _ in range(2)]
    for thread in threads:
        thread.start()
    cohort_id = sending.cohorts(campaign_id)["es"].id
    for _ in range(4):
        pause_language(sending, campaign_id, "es")
        time.sleep(0.1)
        with sending.rt.database.write() as session:
            resume_cohort(session, cohort_id, utcnow(), META)
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    serve(sending.rt, sending.number_id)
    assert sending.states(campaign_id) == {"accepted": 180}
    assert sending.languages_got() == {"en": 60, "es": 60, "pt_BR": 60}
    assert sending.sandbox.stats()["duplicates"]["count"] == 0


def test_once_a_pause_of_a_language_is_committed_nobody_of_it_is_claimed(sending: Sending) -> None:
    campaign_id = sending.several({"en": EN, "es": ES}, pace=40)
    thread = threading.Thread(target=serve, args=(sending.rt, sending.number_id))
    thread.start()
    deadline = time.monotonic() + 20
    while queued(sending, campaign_id)["es"] == 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    pause_language(sending, campaign_id, "es")
    paused_at = utcnow()
    thread.join()
    es = sending.cohorts(campaign_id)["es"]
    with sending.rt.database.read() as session:
        claimed_at = session.scalars(
            select(Recipient.claimed_at).where(Recipient.cohort_id == es.id, Recipient.claimed_at.is_not(None))
        )
        assert all(at <= paused_at for at in claimed_at if at is not None)
    assert queued(sending, campaign_id)["es"] > 0
    assert queued(sending, campaign_id)["en"] == 0


def test_a_lane_builds_nothing_with_a_template_that_was_replaced_meanwhile(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "ROUND_SECONDS", 3.0)
    campaign_id = sending.several({"en": EN, "es": ES}, pace=20)
    cohorts = sending.cohorts(campaign_id)
    thread = threading.Thread(target=serve, args=(sending.rt, sending.number_id))
    thread.start()
    deadline = time.monotonic() + 20
    while queued(sending, campaign_id)["es"] == 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    with sending.rt.database.write() as session:
        values = {"template_id": cohorts["en"].template_id, "edition": 1}
        session.execute(update(Cohort).where(Cohort.id == cohorts["es"].id).values(values))
        claimed = (
            session.query(Recipient).where(Recipient.cohort_id == cohorts["es"].id, Recipient.attempts > 0).count()
        )
    thread.join()
    serve(sending.rt, sending.number_id)
    assert sending.states(campaign_id) == {"accepted": 40}
    assert sending.languages_got() == {"en": 40 - claimed, "es": claimed}
