"""Checks claimed recipients again, right before they are sent to: by the waterfall of `models.audience.eligibility`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from models.audience.audience import Audience, Side
from models.audience.eligibility import (
    CONTACT,
    MARKETING,
    MAX_CAP_DAYS,
    CampaignTerms,
    branches,
    first_reason,
    portfolio_of,
)
from models.db.base import BigId
from models.tables.campaign import Campaign
from models.tables.contact import Consent, Suppression
from models.tables.number import Waba
from models.tables.recipient import NotSent
from models.tables.setting import read_setting

RECHECKED = frozenset(
    {
        NotSent.INVALID_PHONE,
        NotSent.UNCLEAR_PHONE,
        NotSent.MISSING_CALLING_CODE,
        NotSent.NOT_ON_WHATSAPP,
        NotSent.NOT_SUBSCRIBED,
        NotSent.MARKETING_STOPPED,
        NotSent.OPEN_CASE,
    }
)
"""Reasons that may begin to apply between the launch and the claim."""


def recheck(
    session: Session,
    campaign: Campaign,
    category: str,
    contact_ids: Sequence[int],
    now: datetime,  # noqa: ARG001 - no reason that is checked here depends on the time today
    person_hashes: Callable[[str], tuple[str, ...]] | None = None,
) -> dict[int, tuple[NotSent, str | None]]:
    """Return the contacts of a claimed chunk that may no longer be sent to: contact id → reason and its detail.

    `category`: of the template they would get. With `person_hashes` (`Vault.person_hashes`) suppressed people are checked too.
    """
    if not contact_ids:
        return {}
    parameters = {"portfolio_id": portfolio_of(session, campaign), "contact_ids": list(contact_ids)}
    reasons: dict[int, tuple[NotSent, str | None]] = {}
    hashes: dict[str, int] = {}
    for contact_id, person_key, reason, consent in session.execute(
        _recheck_statement(category.upper() == MARKETING), parameters
    ):
        if reason == NotSent.NOT_SUBSCRIBED:
            # If the record itself is subscribed, another record of the person is unsubscribed.
            detail = Consent.UNSUBSCRIBED if consent is Consent.SUBSCRIBED else consent
            reasons[contact_id] = (NotSent.NOT_SUBSCRIBED, detail.value)
        elif reason is not None:
            reasons[contact_id] = (NotSent(reason), None)
        elif person_hashes is not None:
            hashes |= dict.fromkeys(person_hashes(person_key), contact_id)
    if hashes:
        for hashed in session.scalars(select(Suppression.person_hash).where(Suppression.person_hash.in_(hashes))):
            reasons[hashes[hashed]] = (NotSent.NOT_SUBSCRIBED, "suppressed")
    return reasons


def above_frequency_cap(
    session: Session, campaign: Campaign, category: str, contact_ids: Sequence[int], now: datetime
) -> set[int]:
    """The contacts who had as many marketing messages as the frequency cap allows. `category`: of the template they would get."""
    messages = int(read_setting(session, "frequency_cap_messages") or 0)
    if not contact_ids or messages <= 0 or category.upper() != MARKETING:
        return set()
    days = min(int(read_setting(session, "frequency_cap_days") or 0), MAX_CAP_DAYS)
    terms = _terms(portfolio_of(session, campaign), is_marketing=True, cap=(messages, days), now=now)
    reason = first_reason(branch for branch in branches(terms, True) if branch[0] is NotSent.FREQUENCY_CAP)
    query = select(CONTACT.c.id).where(CONTACT.c.id.in_(list(contact_ids)), reason.is_not(None))
    return set(session.scalars(query.execution_options(probes=True)))


@lru_cache(maxsize=2)
def _recheck_statement(is_marketing: bool) -> Select[Any]:
    portfolio = bindparam("portfolio_id", type_=Waba.portfolio_id.type)
    terms = _terms(portfolio, is_marketing=is_marketing)
    reason = first_reason(branch for branch in branches(terms, True) if branch[0] in RECHECKED)
    ids = bindparam("contact_ids", expanding=True, type_=BigId)
    columns = (CONTACT.c.id, CONTACT.c.person_key, reason, CONTACT.c.consent)
    return select(*columns).where(CONTACT.c.id.in_(ids)).execution_options(probes=True)


def _terms(
    portfolio_id: Any,
    *,
    is_marketing: bool,
    cap: tuple[int, int] = (0, 0),
    now: datetime = datetime.min,  # noqa: DTZ901 - unused without the cap: segments are not rechecked
) -> CampaignTerms:
    return CampaignTerms(
        campaign_id=0,
        portfolio_id=portfolio_id,
        is_marketing=is_marketing,
        audience=Audience(Side(), Side()),
        bound=(),
        allow_untagged=True,
        cap_messages=cap[0],
        cap_days=cap[1],
        now=now,
    )
