"""The job counts what is due, the newest first, learns, and leaves alone what cannot change any more."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from jobs.core.runtime import Runtime
from jobs.signals.count import count_due, recount
from models.signals.counting import BUSY_EVERY, FINAL_AFTER, QUIET_EVERY, due_campaigns, store_count
from models.signals.learn import MIN_CAMPAIGNS
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus
from models.tables.signal import SignalCount, SignalKind, SignalThreshold
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.signal_rows import SENT_AT, add_failed, add_people, ended_count, sent_campaign

LATER = SENT_AT + timedelta(minutes=1)


def due(rt: Runtime, now: datetime) -> list[int]:
    with rt.database.read() as session:
        return list(due_campaigns(session, now))


def test_campaigns_are_counted_until_nothing_more_is_expected(rt: Runtime) -> None:
    with rt.database.write() as session:
        first, second = sent_campaign(session), sent_campaign(session)
        make_campaign(session, kind=CampaignKind.TEST, status=CampaignStatus.ACTIVE)
        make_campaign(session)
        for campaign in (first, second):
            add_people(session, campaign, 60)
            add_failed(session, campaign, 20, 131049)
        ids = [second.id, first.id]
    assert count_due(rt, LATER) == ids
    assert due(rt, LATER) == []
    assert due(rt, LATER + BUSY_EVERY) == ids
    assert count_due(rt, NOW) == ids
    assert due(rt, NOW + BUSY_EVERY) == [], "an hour after the last message little is to come"
    assert due(rt, NOW + QUIET_EVERY) == ids
    with rt.database.write() as session:
        session.execute(update(Campaign).where(Campaign.id == first.id).values(status="ended", ended_at=NOW))
        session.execute(update(SignalCount).values(seconds=3600.0))
    assert due(rt, NOW + QUIET_EVERY) == [], "what takes an hour is not counted every ten minutes"
    final = NOW + FINAL_AFTER
    assert count_due(rt, final) == ids
    assert due(rt, final + timedelta(days=30)) == [second.id]
    with rt.database.read() as session:
        counts = {count.campaign_id: count for count in session.scalars(select(SignalCount))}
    assert {key: count.is_final for key, count in counts.items()} == {first.id: True, second.id: False}
    assert counts[first.id].figures[SignalKind.MARKETING_CAP] == {"part": 20, "whole": 80, "values": {}}
    before = {key: (count.figures, count.first_id, count.last_id) for key, count in counts.items()}
    with rt.database.write() as session:
        for count in session.scalars(select(SignalCount)):
            session.delete(count)
    assert all(recount(rt, campaign_id, final) for campaign_id in ids)
    with rt.database.read() as session:
        again = {c.campaign_id: (c.figures, c.first_id, c.last_id) for c in session.scalars(select(SignalCount))}
    assert again == before, "all of it follows from the rows"


def test_an_older_count_takes_the_place_of_no_newer_one_and_enough_campaigns_teach(rt: Runtime) -> None:
    with rt.database.write() as session:
        for _ in range(MIN_CAMPAIGNS - 1):
            ended_count(session, {SignalKind.MARKETING_CAP: (20, 1000)})
        campaign = sent_campaign(session, status=CampaignStatus.ENDED, ended_at=NOW)
        add_people(session, campaign, 60)
    assert count_due(rt, NOW) == [campaign.id]
    with rt.database.write() as session:
        stale = SignalCount(campaign_id=campaign.id, figures={}, counted_at=LATER, seconds=0.0, is_final=False)
        store_count(session, stale)
    with rt.database.read() as session:
        assert session.get_one(SignalCount, campaign.id).counted_at == NOW
        learnt = session.scalars(select(SignalThreshold)).one()
    assert (learnt.kind, learnt.campaigns) == (SignalKind.MARKETING_CAP, MIN_CAMPAIGNS)
    assert not recount(rt, 999, NOW)
