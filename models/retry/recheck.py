"""Checks people who are written to once more: what the first message needed at the launch, and a claim does not check again."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audience.recheck import above_frequency_cap
from models.db.bulk import among
from models.db.dialect import insert_into
from models.tables.campaign import Campaign
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient
from models.tries.rows import with_tries


class Person(NamedTuple):
    """A recipient and whose it is."""

    id: int
    contact_id: int
    person_key: str


class Rechecked(NamedTuple):
    """Of the claimed rows: the ids that wait for another try, those of them whose message arrived after all, and refusals.

    `refusals`: contact id → why nothing is sent to them now.
    """

    retried: frozenset[int]
    arrived: frozenset[int]
    refusals: dict[int, tuple[NotSent, str | None]]


NOTHING = Rechecked(frozenset(), frozenset(), {})


def recheck_retried(
    session: Session, campaign: Campaign, category: str, rows: Sequence[Any], now: datetime
) -> Rechecked:
    """Check the rows of a claim (locked; `id`, `contact_id`, `person_key`, `attempts`) that wait for another try.

    It asks nothing of the database where every row waits for its first attempt.
    """
    again = {row.id: Person(row.id, row.contact_id, row.person_key) for row in rows if row.attempts > 0}
    tries = with_tries(session, again.keys())
    if not tries:
        return NOTHING
    replied = session.scalars(
        select(Recipient.id).where(among(session, Recipient.id, tries), Recipient.replied_at.is_not(None))
    )
    arrived = {key for key, has_arrived in tries.items() if has_arrived} | set(replied)
    people = [again[key] for key in tries if key not in arrived]
    contact_ids = [it.contact_id for it in people]
    capped = above_frequency_cap(session, campaign, category, contact_ids, now)
    refusals: dict[int, tuple[NotSent, str | None]] = dict.fromkeys(capped, (NotSent.FREQUENCY_CAP, None))
    locked = lock_people(session, campaign.id, [it for it in people if it.contact_id not in refusals], now)
    refusals |= {
        it.contact_id: (NotSent.ENGAGED, None)
        for it in people
        if it.contact_id not in refusals and it.person_key not in locked
    }
    return Rechecked(frozenset(tries), frozenset(arrived), refusals)


def lock_people(session: Session, campaign_id: int, people: Iterable[Person], now: datetime) -> set[str]:
    """Engage these people with the campaign, in the order of their keys; return the keys that are the campaign's now."""
    rows = [
        {"person_key": key, "campaign_id": campaign_id, "contact_id": contact_id, "created_at": now}
        for key, contact_id in sorted({it.person_key: it.contact_id for it in people}.items())
    ]
    if not rows:
        return set()
    keys = [row["person_key"] for row in rows]
    session.execute(insert_into(session, Engagement).on_conflict_do_nothing(index_elements=["person_key"]), rows)
    query = select(Engagement.person_key).where(
        among(session, Engagement.person_key, keys), Engagement.campaign_id == campaign_id
    )
    return set(session.scalars(query))
