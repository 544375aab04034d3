"""Keeps the sums of results equal to the rows: counts changed blocks again, adds up their campaigns, and checks all of it.

Each block and each campaign has a transaction of its own: if a process dies, its marks stay, and the next run goes on.
"""

import math
import time
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, insert, select

from jobs.core.runtime import Runtime
from models.results.blocks import BLOCK_BITS, changed_blocks, count_block, recount_block
from models.results.figures import Figures
from models.results.roll_up import add_up, read_steps, roll_up, stale_campaigns
from models.tables.recipient import Recipient
from models.tables.result import CampaignResult, RecipientBlock, RecipientChange

EVERY_SECONDS = 3.0
BUDGET_SECONDS = 0.5
"""How long one run counts: the schedule has other work. What is left over waits for the next run."""
AT_ONCE = 50


def recount_changed(rt: Runtime, now: datetime, budget: float = BUDGET_SECONDS) -> None:
    """Count the blocks in which a row changed, then add up their campaigns, until the time is used."""
    until = time.monotonic() + budget
    while blocks := _changed(rt):
        for block in blocks:
            with rt.database.write() as session:
                if not recount_block(session, block, now):
                    return  # another host's schedule is at it
            if time.monotonic() > until:
                break
        if time.monotonic() > until:
            break
    with rt.database.read() as session:
        stale = stale_campaigns(session, now)
    for campaign_id in stale:
        with rt.database.read() as session:
            steps = read_steps(session, campaign_id)
        with rt.database.write() as session:
            roll_up(session, campaign_id, steps, now)


def differing_results(rt: Runtime) -> list[str]:
    """Where stored sums differ from the rows, a line each. Blocks that wait for their recount are left out."""
    return [*_differing_blocks(rt), *_differing_campaigns(rt)]


def recount_all(rt: Runtime, now: datetime) -> list[str]:
    """Count everything that is marked and compare all sums with the rows; store what the rows say. Returns what had differed."""
    recount_changed(rt, now, budget=math.inf)
    differing = list(_differing_blocks(rt))
    with rt.database.write() as session:
        highest = session.scalar(select(func.max(Recipient.id)))
        if differing and highest is not None:
            marks = [{"block": block} for block in range((highest >> BLOCK_BITS) + 1)]
            session.execute(insert(RecipientChange), marks)
    recount_changed(rt, now, budget=math.inf)
    return [*differing, *_differing_campaigns(rt)]


def _changed(rt: Runtime, limit: int = AT_ONCE) -> list[int]:
    with rt.database.read() as session:
        return list(changed_blocks(session, limit))


def _differing_blocks(rt: Runtime) -> Iterator[str]:
    with rt.database.read() as session:
        highest = session.scalar(select(func.max(Recipient.id))) or 0
    for block in range((highest >> BLOCK_BITS) + 1):
        with rt.database.read() as session:
            stored = select(RecipientBlock.campaign_id, RecipientBlock.figures).where(RecipientBlock.block == block)
            before = {row.campaign_id: row.figures for row in session.execute(stored)}
            now = {key: figures.to_json() for key, figures in count_block(session, block).items()}
        if before != now and block not in _changed(rt, 1_000_000):
            yield f"block {block} (recipients from {block << BLOCK_BITS})"


def _differing_campaigns(rt: Runtime) -> Iterator[str]:
    with rt.database.read() as session:
        rows = session.execute(
            select(CampaignResult.campaign_id, CampaignResult.figures).where(CampaignResult.is_stale.is_(False))
        ).all()
    for row in rows:
        with rt.database.read() as session:
            summed: Figures = add_up(session, row.campaign_id)
        if row.figures != summed.to_json(with_moments=False):
            yield f"campaign {row.campaign_id}"
