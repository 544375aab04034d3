"""Queues temporary failures of a campaign once more, slice by slice: each person once, whoever else does so at the same time."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.orm import Session

from models.audience.recheck import above_frequency_cap, recheck
from models.billing.balance import read_balance, shortage
from models.billing.rate_cards import day_of, read_prices
from models.billing.spending import total_price
from models.db.bulk import among
from models.db.dialect import NO_SYNC
from models.retry.due import is_due, is_temporary
from models.retry.recheck import Person, lock_people
from models.retry.rule import TemporaryFailure
from models.tables.billing import Spending
from models.tables.campaign import LIVE, Campaign
from models.tables.cohort import Cohort
from models.tables.recipient import NotSent, Recipient
from models.tables.template import Template
from models.text import Text
from models.tries.rows import queue_again

SLICE_SIZE = 500
NOT_AGAIN_FOR = timedelta(hours=1)
DueRow = Row[Any]
"""id, contact_id, person_key, price_area, category of the template."""


@dataclass(slots=True)
class QueuedSlice:
    """One slice. `left_out`: people who may not be written to now, by reason. `last_id`: where the next begins, None: at the end.

    `shortage`: the balance does not cover the slice, and nothing of it was queued.
    """

    queued: int = 0
    left_out: Counter[NotSent] = field(default_factory=Counter)
    last_id: int | None = None
    is_running: bool = True
    """False: the campaign is neither active nor paused, or not launched completely."""
    shortage: Text | None = None


def queue_slice(
    session: Session,
    campaign_id: int,
    failures: Sequence[TemporaryFailure],
    now: datetime,
    *,
    after_id: int = 0,
    size: int = SLICE_SIZE,
    by_rule: bool = False,
    person_hashes: Callable[[str], tuple[str, ...]] | None = None,
) -> QueuedSlice:
    """Queue up to `size` due people with an id after `after_id`, in one transaction.

    The campaign stays locked for the time, so that it cannot end in between. Everybody is checked as at the launch and engaged
    anew; a claim checks again. Rows that somebody else holds are skipped. `by_rule`: who cannot be written to now is looked at
    again after `NOT_AGAIN_FOR`.
    """
    campaign = session.scalars(
        select(Campaign).where(Campaign.id == campaign_id).with_for_update(read=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    is_live = campaign is not None and campaign.status in LIVE and campaign.deleted_at is None
    if campaign is None or not is_live or campaign.launched_at is None:
        return QueuedSlice(is_running=False)
    rows = _lock_due(session, campaign_id, is_due(failures, now, is_postponed=by_rule), failures, after_id, size)
    result = QueuedSlice(last_id=rows[-1].id if len(rows) == size else None)
    fitting = _fitting(session, campaign, rows, now, person_hashes, result)
    result.shortage = _reserve(session, campaign_id, fitting)
    if result.shortage is not None:
        result.last_id = None
        return result
    people = [Person(row.id, row.contact_id, row.person_key) for row in fitting]
    locked = lock_people(session, campaign_id, people, now)
    ids = [row.id for row in fitting if row.person_key in locked]
    result.left_out[NotSent.ENGAGED] += len(fitting) - len(ids)
    result.queued = queue_again(session, ids, now)
    if by_rule and len(ids) < len(rows):
        others = sorted({row.id for row in rows} - set(ids))
        session.execute(
            update(Recipient).where(among(session, Recipient.id, others)).values(due_at=now + NOT_AGAIN_FOR),
            execution_options=NO_SYNC,
        )
    return result


def _lock_due(
    session: Session,
    campaign_id: int,
    is_over: ColumnElement[bool],
    failures: Sequence[TemporaryFailure],
    after_id: int,
    size: int,
) -> Sequence[DueRow]:
    query: Any = (
        select(Recipient.id, Recipient.contact_id, Recipient.person_key, Recipient.price_area, Template.category)
        .outerjoin(Cohort, Cohort.id == Recipient.cohort_id)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .join(Template, Template.id == func.coalesce(Cohort.template_id, Campaign.template_id))
        .where(is_temporary(campaign_id, failures), is_over, Recipient.id > after_id)
        .order_by(Recipient.id)
        .limit(size)
        .with_for_update(of=Recipient, skip_locked=True)
    )
    return session.execute(query).all()


def _fitting(
    session: Session,
    campaign: Campaign,
    rows: Sequence[DueRow],
    now: datetime,
    person_hashes: Callable[[str], tuple[str, ...]] | None,
    result: QueuedSlice,
) -> list[DueRow]:
    """The rows of people who may be written to now; the others are counted by their reason."""
    refused: dict[int, NotSent] = {}
    for category in sorted({row.category for row in rows}):
        ids = [row.contact_id for row in rows if row.category == category]
        refused |= dict.fromkeys(above_frequency_cap(session, campaign, category, ids, now), NotSent.FREQUENCY_CAP)
        reasons = recheck(session, campaign, category, ids, now, person_hashes)
        refused |= {contact_id: reason for contact_id, (reason, _detail) in reasons.items()}
    result.left_out += Counter(refused[row.contact_id] for row in rows if row.contact_id in refused)
    return [row for row in rows if row.contact_id not in refused]


def _reserve(session: Session, campaign_id: int, rows: Sequence[DueRow]) -> Text | None:
    """Reserve the price of these messages; say what is missing if the balance does not cover it, and reserve nothing then."""
    spending = session.get(Spending, campaign_id, populate_existing=True) if rows else None
    if spending is None or spending.card_id is None:
        return None
    prices = read_prices(session, spending.card_id)
    areas = Counter(row.price_area for row in rows)
    need = total_price(prices, areas.items(), spending.category, day_of(spending.priced_at))
    balance = read_balance(session, is_locked=True)
    if balance is not None and balance.currency == prices.currency and balance.free < max(need, 1):
        return shortage(balance, need)
    spending.reserved += need  # the recount from the rows finds the same
    session.flush()
    return None
