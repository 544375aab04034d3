"""Failures that come by webhook: too many alike, or one that concerns everybody, pause the campaign together with the statuses."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from jobs.campaigns.lifecycle import resume_campaign
from jobs.core.runtime import Runtime
from jobs.ingest.apply import apply_parsed
from jobs.ingest.parked import retry_round
from jobs.sending.failure_rate import MIN_SAMPLE
from models.campaigns.failures import recent_results
from models.clock import utcnow
from models.db.engine import Database
from models.events.types import Callback, Failure, Parsed, Status
from models.stored_texts import show_stored
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.contact import Consent, Contact
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from models.tables.tag import Tag
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.contacts import make_contact

WEEK = timedelta(days=7)


class SentCampaign:
    """One active campaign whose messages Meta has taken, and the statuses that follow."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        with rt.database.write() as session:
            number = make_number(session)
            template = make_template(session, number, name="spring", language="en_US")
            session.add(Tag(name="vip", created_at=utcnow()))
            self.campaign_id = make_campaign(session, number, template, status=CampaignStatus.ACTIVE).id

    def send(self, count: int, claimed_at: datetime | None = None) -> list[int]:
        """So many more were sent to; their ids."""
        now = claimed_at or utcnow()
        taken: dict[str, Any] = {
            "state": RecipientState.ACCEPTED, "attempts": 1, "claimed_at": now, "accepted_at": now,
        }  # fmt: skip
        with self.rt.database.write() as session:
            campaign = session.get_one(Campaign, self.campaign_id)
            rows = [make_recipient(session, campaign, make_contact(session), **taken) for _ in range(count)]
            for row in rows:
                row.wamid = f"w{row.id}"
            return [row.id for row in rows]

    def tell(
        self, ids: Sequence[int], code: int | None = None, *, at: datetime | None = None, says: str = "no"
    ) -> None:
        """Meta says, in one batch, that these failed with the code; without one, that they were delivered."""
        kind: Any = "delivered" if code is None else "failed"
        failure = None if code is None else Failure(code, says)
        installation = self.rt.installation
        statuses = [
            Status(
                f"w{key}",
                kind,
                at or utcnow(),
                callback_data=f"h1:{installation}:{key}:1",
                callback=Callback(installation, key, None, 1),
                failure=failure,
            )
            for key in ids
        ]
        apply_parsed(self.rt, [Parsed(statuses=statuses)])

    def campaign(self) -> Campaign:
        """As it stands."""
        with self.rt.database.read() as session:
            return session.get_one(Campaign, self.campaign_id)

    def resume(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody looked at it and lets it go on."""
        monkeypatch.setattr(
            "jobs.campaigns.start.refresh_from_meta", lambda *_: None
        )  # Meta, who is asked on another wire
        monkeypatch.setattr("jobs.campaigns.start._is_listening", lambda _rt: True)
        resume_campaign(self.rt, self.campaign_id, utcnow(), "ops@example.com")


@pytest.fixture
def sent_campaign(rt: Runtime) -> SentCampaign:
    return SentCampaign(rt)


def test_a_campaign_that_fails_for_most_pauses_with_what_was_said_of_them(sent_campaign: SentCampaign) -> None:
    ids = sent_campaign.send(60)
    sent_campaign.tell(ids[:10])
    sent_campaign.tell(ids[10:20], 131026, says="Message undeliverable to +34600111222")
    assert sent_campaign.campaign().status is CampaignStatus.ACTIVE
    sent_campaign.tell(ids[20:23], 131009, says="A value is bad")
    sent_campaign.tell(ids[23:], 131026, says="Message undeliverable to +34600111222")
    campaign = sent_campaign.campaign()
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.FAILURE_RATE)
    assert show_stored(campaign.pause_detail) == (
        "47 of the last 60 messages failed alike. "
        "131026 ×47: Undeliverable: probably not on WhatsApp. Meta says: Message undeliverable to +…; "
        "131009 ×3: A value in the message is not valid. Meta says: A value is bad. "
        "After two such answers the contact is left out."
    )


def test_the_newest_failures_come_first_and_one_by_one(sent_campaign: SentCampaign) -> None:
    ids = sent_campaign.send(MIN_SAMPLE + 5)
    for place in reversed(ids):
        assert sent_campaign.campaign().status is CampaignStatus.ACTIVE or place <= ids[4]
        sent_campaign.tell([place], 131000)
    assert sent_campaign.campaign().pause_reason is PauseReason.FAILURE_RATE


def test_who_fails_of_a_long_campaign_is_judged_among_those_sent_to_at_the_same_time(
    sent_campaign: SentCampaign,
) -> None:
    sent_campaign.tell(sent_campaign.send(100))
    bad = sent_campaign.send(100)
    good = sent_campaign.send(20)
    sent_campaign.tell(good)
    sent_campaign.tell(bad[::3], 131026)
    assert sent_campaign.campaign().status is CampaignStatus.ACTIVE
    sent_campaign.tell(bad[1::3], 131026)
    assert sent_campaign.campaign().pause_reason is PauseReason.FAILURE_RATE


def test_those_of_whom_meta_says_nothing_yet_do_not_count_as_failed(sent_campaign: SentCampaign) -> None:
    ids = sent_campaign.send(100)
    sent_campaign.tell(ids[::2], 131026)
    assert sent_campaign.campaign().status is CampaignStatus.ACTIVE


@pytest.mark.parametrize(
    ("code", "share", "is_paused"),
    [
        (131049, 0.7, False),  # here and there people had enough of marketing
        (131049, 1.0, True),  # it is the audience's way, or the country's
        (130472, 1.0, False),
        (130497, 0.7, False),
        (130497, 1.0, True),
        (131050, 1.0, False),
    ],
)
def test_what_meta_decides_person_by_person_pauses_nothing_unless_it_is_nearly_everybody(
    sent_campaign: SentCampaign, code: int, share: float, is_paused: bool
) -> None:
    ids = sent_campaign.send(50)
    sent_campaign.tell([key for place, key in enumerate(ids) if place % 10 < 10 * share], code)
    assert (sent_campaign.campaign().pause_reason is PauseReason.FAILURE_RATE) is is_paused


@pytest.mark.parametrize("code", [131026, 131053, 131042])
def test_after_somebody_let_it_go_on_what_was_sent_before_pauses_it_no_more(
    sent_campaign: SentCampaign, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sent_campaign.send(60)
    sent_campaign.tell(before[:30], code)
    assert sent_campaign.campaign().status is CampaignStatus.PAUSED
    with sent_campaign.rt.database.write() as session:
        session.get_one(Number, sent_campaign.campaign().number_id).stopped_at = None
    sent_campaign.resume(monkeypatch)
    sent_campaign.tell(before[30:], code)
    assert sent_campaign.campaign().status is CampaignStatus.ACTIVE
    sent_campaign.tell(sent_campaign.send(60), code)
    assert sent_campaign.campaign().status is CampaignStatus.PAUSED


def test_a_failure_without_a_code_says_nothing_of_the_token(sent_campaign: SentCampaign) -> None:
    ids = sent_campaign.send(40)
    sent_campaign.tell(ids[:3], 0)
    with sent_campaign.rt.database.read() as session:
        assert session.scalars(select(Number.stopped_at)).all() == [None]
    assert sent_campaign.campaign().status is CampaignStatus.ACTIVE
    sent_campaign.tell(ids[3:], 0, says="")
    assert (
        show_stored(sent_campaign.campaign().pause_detail)
        == "40 of the last 40 messages failed alike. no code ×40: no."
    )


def test_whom_the_business_has_blocked_is_kept_out_of_what_comes_later(sent_campaign: SentCampaign) -> None:
    [key] = sent_campaign.send(1)
    sent_campaign.tell([key], 130403)
    with sent_campaign.rt.database.read() as session:
        contact = session.get_one(Contact, session.get_one(Recipient, key).contact_id)
        assert contact.consent is Consent.INVALID


def test_a_failure_that_was_parked_is_heeded_when_it_is_applied(sent_campaign: SentCampaign) -> None:
    [key] = sent_campaign.send(1)
    with sent_campaign.rt.database.write() as session:
        row = session.get_one(Recipient, key)
        row.state, row.wamid, row.accepted_at = RecipientState.QUEUED, None, None
    sent_campaign.tell([key], 132015)
    assert sent_campaign.campaign().status is CampaignStatus.ACTIVE
    with sent_campaign.rt.database.write() as session:
        row = session.get_one(Recipient, key)
        row.state, row.attempts = RecipientState.UNSURE, 1
    retry_round(sent_campaign.rt, 0)
    assert sent_campaign.campaign().pause_reason is PauseReason.TEMPLATE_PAUSED


def test_neighbours_are_found_by_the_primary_key(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    asked: list[tuple[str, Any]] = []
    with database.write() as session:
        connection = session.connection()
        event.listen(
            connection, "before_cursor_execute", lambda _c, _cursor, text, values, *_: asked.append((text, values))
        )
        for is_later in (False, True):
            recent_results(session, 1, 500_000, utcnow() - WEEK, 100, is_later=is_later)
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", values).all()) for one, values in asked[:2]
        ]
    database.dispose()
    assert all("INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan and "TEMP B-TREE" not in plan for plan in plans)
