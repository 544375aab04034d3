"""Earlier tries: what they cost, and what a restored database makes of people who may have been tried again."""

import pytest

from bot.meta.error_codes import TEMPORARY
from jobs.campaigns import spending as spend
from jobs.core.runtime import Runtime
from models.restore.settle import settle_slice
from models.tables.campaign import CampaignStatus, PauseReason
from models.tables.database_hold import DatabaseHold, HeldCampaign, HoldCause
from models.tables.recipient import RecipientState
from models.tries.rows import queue_again, tries_of
from tests.support.billing_rig import deliver, launch_whole, make_ready, prepare_balance, rows_of, start_one, sums_of
from tests.support.factories.common import NOW
from tests.support.retrying import DAY, failed, running

pytestmark = pytest.mark.sqlite_unless_proved


def test_each_try_is_charged_on_its_own_if_it_was_delivered(rt: Runtime) -> None:
    with rt.database.write() as session:
        prepare_balance(session, 100)
        campaign = make_ready(session, 3)
    start_one(rt.database, campaign.id, 3)
    launch_whole(rt.database, campaign.id)
    with rt.database.write() as session:
        twice, once, waiting = rows_of(session, campaign.id)
        for row in (twice, once, waiting):
            row.state, row.failed_at, row.error_code, row.attempts = RecipientState.REFUSED, NOW, 131000, 1
        session.flush()
        queue_again(session, [twice.id, once.id, waiting.id], NOW)
        session.expire_all()
        (first,) = tries_of(session, [twice.id])[twice.id]
        first.state, first.delivered_at, first.is_billable, first.pricing_type = (
            RecipientState.ACCEPTED,
            NOW,
            True,
            "regular",
        )
        first.pricing_category = "marketing"
        deliver(twice)
        deliver(once)
    spend.recount_spending(rt, NOW)
    assert sums_of(rt.database)[:2] == (3, 1)  # charged: three messages of two people; reserved: who waits


def test_whoever_may_have_been_tried_since_the_copy_is_unsure(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign = running(session)
        due, recent, final = (
            failed(session, campaign),
            failed(session, campaign, at=NOW + DAY),
            failed(session, campaign, 131026),
        )
        hold = DatabaseHold(cause=next(iter(HoldCause)), noticed_at=NOW, epoch=1)
        session.add(hold)
        session.flush()
        session.add(HeldCampaign(hold_id=hold.id, campaign_id=campaign.id, status=CampaignStatus.ACTIVE))
        campaign.status, campaign.pause_reason = CampaignStatus.PAUSED, PauseReason.DATABASE_RESTORED
        session.flush()
        assert not settle_slice(session, campaign.id, NOW + DAY, failures=TEMPORARY)
        session.expire_all()
        assert [row.status for row in (due, recent, final)] == ["unsure", "failed", "failed"]
        assert (due.attempts, [item.status for item in tries_of(session, [due.id])[due.id]]) == (2, ["failed"])
