"""Asks every rule of the waterfall about one contact: by the same conditions that estimate, launch and claim use."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audience.audience import Side
from models.audience.eligibility import (
    CONTACT,
    CampaignTerms,
    branches,
    candidates_with_reason,
    has_twin,
    recent_messages,
)
from models.tables.recipient import NotSent


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the waterfall says about one contact now.

    `reason` is the first that applies, None for somebody eligible, or who is not included. `holds`: of every rule that the campaign
    asks, in its order, whether it would leave the contact out.
    """

    is_included: bool
    is_shared: bool
    """Whether the person has other records, which count too."""
    reason: NotSent | None
    holds: Mapping[NotSent, bool]
    recent_messages: int
    """Marketing messages in the days of the frequency cap; 0 if there is no cap."""


def judge_contact(session: Session, terms: CampaignTerms, contact_id: int) -> Judgement:
    """Judge a contact as a launch at `terms.now` would."""
    one = select(has_twin(terms)).select_from(CONTACT).where(CONTACT.c.id == contact_id)
    is_shared = bool(session.scalar(one))
    rules = list(branches(terms, is_shared))
    columns = [condition.label(f"rule_{place}") for place, (_, condition) in enumerate(rules)]
    row = session.execute(select(*columns).select_from(CONTACT).where(CONTACT.c.id == contact_id)).one()
    candidate = session.execute(
        candidates_with_reason(terms, after_id=contact_id - 1, until_id=contact_id)
    ).first()  # the id and the reason, as the launch has them
    recent = 0
    if terms.cap_messages > 0:
        count = select(recent_messages(terms, is_shared)).select_from(CONTACT).where(CONTACT.c.id == contact_id)
        recent = session.scalar(count) or 0
    return Judgement(
        candidate is not None,
        is_shared,
        NotSent(candidate.reason) if candidate is not None and candidate.reason else None,
        {reason: bool(row[place]) for place, (reason, _) in enumerate(rules)},
        recent,
    )


def matches_side(session: Session, side: Side, terms: CampaignTerms, contact_id: int) -> bool:
    """Whether the contact itself matches a side of an audience, or a part of one."""
    query = select(side.matches(CONTACT, terms.now)).select_from(CONTACT).where(CONTACT.c.id == contact_id)
    return bool(session.scalar(query))
