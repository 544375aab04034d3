"""Storing requests for tracked links."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session

from bot.links.requests import KEY, LinkRequest, click_stream
from bot.webhooks.stream import GROUP
from jobs.clicks import consumer as module
from jobs.clicks.consumer import ClickConsumer
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.ingest.batch import StoppedError
from models.clicks.figures import ClickFigures, clicks_of
from models.clicks.store import NewClick, store_clicks
from models.privacy.redact import redact_person
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus
from models.tables.click import Click, ClickKind, DeviceClass
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.clicks import make_link
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob, make_contact


def append(rt: Runtime, *requests: tuple[int, int, ClickKind]) -> None:
    stream = click_stream(rt.redis)
    stream.make_group()
    for link_id, recipient_id, kind in requests:
        stream.append(LinkRequest(link_id, recipient_id, kind, DeviceClass.PHONE, NOW).entry())


def pending(rt: Runtime) -> list[Any]:
    """What consumers hold."""
    rows: list[Any] = rt.redis.xpending_range(KEY, GROUP, "-", "+", 10)
    return rows


@pytest.fixture
def linked(rt: Runtime) -> tuple[int, int, int]:
    """A campaign with a link, and alice in it: (campaign, link, recipient)."""
    with rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE)
        recipient = make_recipient(session, campaign, alice(session))
        return campaign.id, make_link(session, campaign).id, recipient.id


def test_requests_become_rows_once_however_often_they_are_read(
    rt: Runtime, linked: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id, link_id, recipient_id = linked
    append(rt, *[(link_id, recipient_id, kind) for kind in (ClickKind.PERSON, ClickKind.PERSON, ClickKind.BOT)])
    stream = click_stream(rt.redis)
    died, later = ClickConsumer(rt), ClickConsumer(rt)
    monkeypatch.setattr(died.stream, "finish", lambda _ids: None)  # it dies after its commit
    assert died.run_once() == 3
    rt.redis.xclaim(stream.key, GROUP, died.name, 0, [it["message_id"] for it in pending(rt)], idle=60_000)
    assert later.run_once() == 3
    assert later.run_once() == 0
    assert rt.redis.xlen(stream.key) == 0
    with rt.database.read() as session:
        assert clicks_of(session, [campaign_id]) == {campaign_id: ClickFigures(people=1, clicks=2, bots=1)}
        assert {(row.at, row.device) for row in session.scalars(select(Click))} == {(NOW, DeviceClass.PHONE)}


def test_nothing_is_kept_of_redacted_people_of_tests_and_of_what_does_not_fit(
    rt: Runtime, linked: tuple[int, int, int]
) -> None:
    campaign_id, link_id, recipient_id = linked
    with rt.database.write() as session:
        campaign, tester = session.get_one(Campaign, campaign_id), make_contact(session, "+34600000077")
        test = make_campaign(session, status=CampaignStatus.ACTIVE, kind=CampaignKind.TEST)
        other = make_campaign(session, status=CampaignStatus.ACTIVE)
        redacted = bob(session)
        ids = [
            (make_link(session, test).id, make_recipient(session, test, tester).id),
            (link_id, make_recipient(session, other, tester).id),
            (link_id, make_recipient(session, campaign, redacted).id),
            (link_id, 999),
            (999, recipient_id),
        ]
        assert redact_person(session, redacted.id, rt.vault, NOW, "dpo")
    append(rt, *[(link, recipient, ClickKind.PERSON) for link, recipient in ids])
    click_stream(rt.redis).append(b"no entry of ours")
    assert ClickConsumer(rt).run_once() == 6
    assert rt.redis.xlen(KEY) == 0
    with rt.database.read() as session:
        assert session.scalars(select(Click)).all() == []


@pytest.mark.sqlite_only
def test_they_wait_while_the_database_is_away_and_one_at_fault_holds_up_nobody(
    rt: Runtime, linked: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id, link_id, recipient_id = linked
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    append(rt, *[(link_id, recipient_id, ClickKind.PERSON)] * 2, (link_id, 1_000, ClickKind.PERSON))
    outages = [OperationalError("x", {}, OSError("away"))] * 3

    def store(session: Session, clicks: Sequence[NewClick]) -> int:
        if outages:
            raise outages.pop()
        if any(click.recipient_id == 1_000 for click in clicks):
            raise DataError("x", {}, ValueError("at fault"))
        return store_clicks(session, clicks)

    monkeypatch.setattr(module, "store_clicks", store)
    assert ClickConsumer(rt).run_once() == 3
    assert outages == []
    assert rt.redis.xlen(KEY) == 0
    with rt.database.read() as session:
        assert clicks_of(session, [campaign_id])[campaign_id].clicks == 2


@pytest.mark.sqlite_only
def test_a_process_that_is_to_stop_leaves_them_in_the_stream(
    rt: Runtime, linked: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def store(*_: object) -> int:
        SHUTDOWN.set()
        raise OperationalError("x", {}, OSError("away"))

    monkeypatch.setattr(module, "store_clicks", store)
    append(rt, (*linked[1:], ClickKind.PERSON))
    with pytest.raises(StoppedError):
        ClickConsumer(rt).run_once()
    assert rt.redis.xlen(KEY) == 1
