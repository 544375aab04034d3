"""The sums of results are those of the rows, whatever changes the rows and in whatever order."""

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, text, update
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from jobs.results.recount import differing_results, recount_all, recount_changed
from models.campaigns.stats import stats_of
from models.results.blocks import BLOCK_BITS, changed_blocks
from models.results.curve import Curve
from models.results.opt_outs import CampaignOptOut, record_opt_outs
from models.results.stored import stored_figures, stored_result
from models.tables.campaign import Campaign
from models.tables.click import Click, ClickKind, DeviceClass
from models.tables.flow import Flow, FunnelStep
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.recipient_opt_out import OptOutWay, RecipientOptOut
from models.tables.recipient_tap import RecipientTap
from models.tables.result import CampaignResult, RecipientBlock, ResultHour
from models.tables.tracked_link import TrackedLink
from tests.support import proof
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.clicks import make_link
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

PEOPLE, ROUNDS = 24, 12
TIMES = ("accepted_at", "sent_at", "delivered_at", "read_at", "failed_at", "replied_at", "claimed_at")


def _world(session: Session) -> list[int]:
    """Two campaigns with a bot flow whose recipients alternate, in three blocks; the recipients' ids."""
    flow = Flow(name="spring", version=1, created_at=NOW, updated_at=NOW)
    session.add(flow)
    session.flush()
    campaigns = [make_campaign(session, name=name, flow_id=flow.id) for name in ("Spring", "Autumn")]
    for campaign in campaigns:
        make_link(session, campaign)
    ids = []
    for place in range(PEOPLE):
        key = (place % 3 << BLOCK_BITS) + 1 + place
        ids.append(make_recipient(session, campaigns[place % 2], make_contact(session), id=key).id)
    return ids


def _change(session: Session, key: int, chance: random.Random) -> None:
    """One of the ways in which rows change, without a word to the results."""
    at = NOW + timedelta(minutes=chance.choice([chance.randrange(120), chance.randrange(3000)]))
    campaign_id = session.scalar(select(Recipient.campaign_id).where(Recipient.id == key))
    if campaign_id is None:
        return
    kind = chance.randrange(11)
    if kind == 0:
        values: dict[str, Any] = {"state": RecipientState.NOT_SENT, "reason": chance.choice(list(NotSent))}
        session.execute(update(Recipient).where(Recipient.id == key).values(values))
    elif kind == 1:
        session.execute(text("UPDATE recipient SET state = 'accepted', reason = NULL WHERE id >= :id"), {"id": key})
    elif kind == 2:
        refused = {"state": RecipientState.REFUSED, "reason": None, "error_code": chance.choice([None, 131026, 131049])}
        session.execute(update(Recipient).where(Recipient.id == key).values(refused))
    elif kind == 3:
        tap = RecipientTap(
            recipient_id=key, place=f"{chance.randrange(2)}", campaign_id=campaign_id, title="Yes", at=at
        )
        session.merge(tap)
    elif kind == 4:
        record_opt_outs(session, [CampaignOptOut(key, chance.choice(list(OptOutWay)), at)])
    elif kind == 5:
        session.add(FunnelStep(recipient_id=key, step=f"step {chance.randrange(100_000)}", at=at))
    elif kind == 10:
        link_id = session.scalar(select(TrackedLink.id).where(TrackedLink.campaign_id == campaign_id))
        click = {"link_id": link_id, "recipient_id": key, "kind": chance.choice(list(ClickKind)), "at": at}
        session.merge(Click(entry_ms=chance.randrange(10**9), entry_seq=0, device=DeviceClass.PHONE, **click))
    elif kind == 6 and chance.random() < 0.3:
        for table in (RecipientTap, RecipientOptOut, FunnelStep, Click):
            session.execute(delete(table).where(table.recipient_id == key))
        session.execute(delete(Recipient).where(Recipient.id == key))
    else:
        fact = chance.choice(TIMES)
        values = {fact: chance.choice([at, at, None]), "state": RecipientState.ACCEPTED, "reason": None}
        session.execute(update(Recipient).where(Recipient.id.in_([key, key + 2])).values(values))


def test_sums_that_are_recounted_where_rows_changed_equal_the_rows(bare_rt: Runtime) -> None:
    seed = proof.seed()
    chance = random.Random(seed)
    with bare_rt.database.write() as session:
        ids = _world(session)
    for _ in range(ROUNDS):
        with bare_rt.database.write() as session:
            for key in chance.sample(ids, 4):
                _change(session, key, chance)
        recount_changed(bare_rt, NOW, budget=60.0)
        assert differing_results(bare_rt) == [], f"seed {seed}"
        with bare_rt.database.read() as session:
            assert changed_blocks(session, 10) == []
            campaigns = session.scalars(select(Campaign.id)).all()
            stored = stored_figures(session, campaigns, at_least=1)
            summed = stats_of(session, campaigns, stored)
            assert {key: it.pop("as_of") for key, it in summed.items()} == {key: NOW.isoformat() for key in campaigns}
            live = stats_of(session, campaigns)
            assert summed == live, f"seed {seed}"
            for key in campaigns:
                _check_curve(stored_result(session, key).curve, live[key])
            hours = session.execute(
                select(ResultHour.campaign_id, func.sum(ResultHour.sent), func.sum(ResultHour.delivered))
                .group_by(ResultHour.campaign_id)
            )  # fmt: skip
            for key, sent, _delivered in hours:
                assert sent == sum(stored_result(session, key).curve.hours["sent"].values())


def _check_curve(curve: Curve, stats: dict[str, Any]) -> None:
    """Nobody is in the curve twice; who has no time of an event is in none of its points."""
    for fact, hours in curve.hours.items():
        assert sum(hours.values()) <= stats[fact]
    assert sum(curve.hours["read"].values()) == stats["read"]
    assert sum(curve.hours["clicked"].values()) == stats["clicked"]
    assert sum(curve.hours["delivered"].values()) == stats["delivered"]


def test_a_change_that_commits_during_a_recount_is_counted_by_the_next_one(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        campaign = make_campaign(session)
        row = make_recipient(session, campaign, make_contact(session))
    recount_changed(bare_rt, NOW)
    with bare_rt.database.write() as session:
        session.execute(update(Recipient).where(Recipient.id == row.id).values(state=RecipientState.ACCEPTED))
    assert differing_results(bare_rt) == []  # it waits for its recount
    with bare_rt.database.read() as session:
        assert list(changed_blocks(session, 10)) == [row.id >> BLOCK_BITS]
    recount_changed(bare_rt, NOW)
    with bare_rt.database.read() as session:
        assert stored_figures(session, [campaign.id], 1)[campaign.id].figures.groups == {
            ("accepted", "sent", None, False, row.cohort_id, None): 1
        }


def test_a_wrong_sum_is_found(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        campaign = make_campaign(session)
        make_recipient(session, campaign, make_contact(session))
    recount_changed(bare_rt, NOW)
    with bare_rt.database.write() as session:
        block = session.scalars(select(RecipientBlock)).one()
        block.figures = block.figures | {"steps": {"menu": 1}}
    assert differing_results(bare_rt) == ["block 0 (recipients from 0)", f"campaign {campaign.id}"]
    assert recount_all(bare_rt, NOW) == ["block 0 (recipients from 0)"]
    assert (differing_results(bare_rt), recount_all(bare_rt, NOW)) == ([], [])


@pytest.mark.sqlite_unless_proved
def test_sums_go_with_the_last_row_of_the_campaign(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        row = make_recipient(
            session, make_campaign(session), make_contact(session), state=RecipientState.ACCEPTED, accepted_at=NOW
        )
    recount_changed(bare_rt, NOW)
    with bare_rt.database.write() as session:
        assert session.scalars(select(ResultHour)).one().sent == 1
        session.execute(delete(Recipient).where(Recipient.id == row.id))
    recount_changed(bare_rt, NOW)
    with bare_rt.database.read() as session:
        for table in (RecipientBlock, CampaignResult, ResultHour):
            assert session.scalars(select(table)).all() == []


@pytest.mark.sqlite_unless_proved
def test_a_column_that_no_sum_reads_marks_nothing_and_a_block_is_marked_once(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        row = make_recipient(session, make_campaign(session), make_contact(session))
    recount_changed(bare_rt, NOW)
    with bare_rt.database.write() as session:
        session.execute(update(Recipient).where(Recipient.id == row.id).values(wamid="w", attempts=1))
        if bare_rt.database.is_sqlite:
            assert list(changed_blocks(session, 10)) == []
        for state in (RecipientState.ACCEPTED, RecipientState.QUEUED):
            session.execute(update(Recipient).where(Recipient.id == row.id).values(state=state))
        marks = session.scalar(text("SELECT count(*) FROM recipient_change"))
        assert marks == 1 if bare_rt.database.is_sqlite else marks is not None


def test_large_campaigns_are_read_without_their_rows(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        campaign = make_campaign(session)
        make_recipient(session, campaign, make_contact(session), state=RecipientState.ACCEPTED, accepted_at=NOW)
    recount_changed(bare_rt, NOW)
    asked: list[str] = []
    event.listen(
        bare_rt.database.read_engine, "before_cursor_execute", lambda *given: asked.append(str(given[2]).lower())
    )
    with bare_rt.database.read() as session:
        stats = stats_of(session, [campaign.id], stored_figures(session, [campaign.id], at_least=1))
    assert stats[campaign.id]["sent"] == 1
    assert [statement for statement in asked if re.search(r"from recipient\b", statement)] == []
