"""Counts what signals judge, from the rows of one campaign: no counter is kept that could drift.

Everything but the failed messages is read from one covering index, which the statistics use too; messages of a person and
opt-outs are found by the index of their contact.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from models.campaigns.stats import stats_of
from models.signals.judge import SignalFigure
from models.signals.quality import quality_fall
from models.signals.rules import OFTEN_DAYS, OFTEN_MESSAGES
from models.signals.sample import IdSpan, sampled_contacts
from models.tables.campaign import Campaign, CampaignOutcome, PauseReason
from models.tables.contact import Consent, Contact
from models.tables.recipient import WRITTEN_TO, NotSent, Recipient, RecipientState
from models.tables.recipient_tap import RecipientTap
from models.tables.signal import SignalKind
from models.templates.opt_out_buttons import quick_replies

SETTLED_AFTER = timedelta(hours=24)
"""After the last message: by then who will receive and read it has, nearly always; earlier a low share says nothing."""
OPT_OUT_WITHIN = timedelta(days=3)
NOT_ON_WHATSAPP, MARKETING_CAPPED, MARKETING_STOPPED, PAYMENT = 131026, 131049, 131050, 131042
"""Meta's codes (docs/meta.md §3.2)."""
_FAILED_STATES = (RecipientState.REFUSED, RecipientState.ACCEPTED, RecipientState.HELD)
_MONEY = (PauseReason.BUDGET, PauseReason.PAYMENT)
_UNDER_WAY = (CampaignOutcome.PREPARING, CampaignOutcome.SENDING)

Figures = dict[SignalKind, SignalFigure]


def count_figures(session: Session, campaign: Campaign, span: IdSpan | None, now: datetime) -> Figures:
    """Count a campaign that was started. What cannot be judged yet, or never of this campaign, is absent.

    `span`: where the ids of its recipients lie, None before the launch is done.
    """
    stats = stats_of(session, [campaign.id]).get(campaign.id)
    if stats is None:
        return {}
    failed = _failures_by_code(session, campaign.id)
    is_settled = _is_settled(campaign, now)
    figures = dict(_audience_figures(campaign, stats, failed))
    figures |= dict(_delivery_figures(stats, failed, is_settled=is_settled))
    if is_settled and (acted := _acted(session, campaign)) is not None:
        figures[SignalKind.LOW_CLICK] = SignalFigure(min(acted, stats["read"]), stats["read"])
    figures[SignalKind.OPT_OUTS] = SignalFigure(_opted_out(session, campaign), stats["delivered"])
    if fall := quality_fall(session, campaign):
        figures[SignalKind.TEMPLATE_QUALITY] = SignalFigure(1, stats["sent"], fall)
    if span is not None and (often := _often(session, campaign, span)):
        figures[SignalKind.TOO_OFTEN] = often
    return figures


def _audience_figures(
    campaign: Campaign, stats: Mapping[str, Any], failed: Mapping[int, int]
) -> Iterator[tuple[SignalKind, SignalFigure]]:
    def left_out(reason: NotSent) -> int:
        return int(stats["not_sent"].get(reason.value, 0))

    people = stats["candidates"] - left_out(NotSent.EXCLUDED) - left_out(NotSent.DUPLICATE)
    missing, unclear = left_out(NotSent.MISSING_CALLING_CODE), left_out(NotSent.UNCLEAR_PHONE)
    yield SignalKind.NO_CALLING_CODE, SignalFigure(missing + unclear, people, {"missing": missing, "unclear": unclear})
    not_subscribed = left_out(NotSent.NOT_SUBSCRIBED)
    stopped = left_out(NotSent.MARKETING_STOPPED) + failed.get(MARKETING_STOPPED, 0)
    values = {"not_subscribed": not_subscribed, "stopped": stopped}
    yield SignalKind.NO_CONSENT, SignalFigure(not_subscribed + stopped, people, values)
    waiting = stats["queued"] if campaign.pause_reason in _MONEY else 0
    refused = failed.get(PAYMENT, 0)
    values = {"waiting": waiting, "refused": refused}
    yield SignalKind.BALANCE, SignalFigure(waiting + refused, stats["eligible"], values)


def _delivery_figures(
    stats: Mapping[str, Any], failed: Mapping[int, int], *, is_settled: bool
) -> Iterator[tuple[SignalKind, SignalFigure]]:
    """A failure for another reason than the number says nothing of the list, so it is not in the share of those who received it."""
    delivered, unreachable = stats["delivered"], failed.get(NOT_ON_WHATSAPP, 0)
    under_way = stats["sent"] - delivered - (stats["failed"] - stats["refused"])
    silent = max(0, under_way) if is_settled else 0
    values = {"unreachable": unreachable, "silent": silent}
    yield SignalKind.LOW_DELIVERY, SignalFigure(delivered, delivered + unreachable + silent, values)
    capped = failed.get(MARKETING_CAPPED, 0)
    yield SignalKind.MARKETING_CAP, SignalFigure(capped, stats["sent"] + stats["refused"])
    if is_settled:
        yield SignalKind.LOW_READ, SignalFigure(stats["read"], delivered)


def _failures_by_code(session: Session, campaign_id: int) -> Mapping[int, int]:
    query = (
        select(Recipient.error_code, func.count().label("number"))
        .where(Recipient.campaign_id == campaign_id, Recipient.state.in_(_FAILED_STATES), Recipient.status == "failed")
        .group_by(Recipient.error_code)
    )
    return {row.error_code or 0: row.number for row in session.execute(query)}


def _is_settled(campaign: Campaign, now: datetime) -> bool:
    last = campaign.last_sent_at
    return last is not None and campaign.outcome not in _UNDER_WAY and last <= now - SETTLED_AFTER


def _acted(session: Session, campaign: Campaign) -> int | None:
    """How many people tapped a button, without those that opt out; None if the message has nothing to tap."""
    template = campaign.template
    if template is None:
        return None
    opt_outs = set(campaign.opt_out_buttons if campaign.opt_out_buttons is not None else template.opt_out_buttons or ())
    if not set(quick_replies(template.components)) - opt_outs:
        return None
    query = select(func.count(RecipientTap.recipient_id.distinct())).where(RecipientTap.campaign_id == campaign.id)
    return session.scalar(query.where(RecipientTap.place.not_in(sorted(opt_outs)))) or 0


def opted_out_condition(campaign: Campaign) -> ColumnElement[bool] | None:
    """Of recipients with their contacts: who received this campaign and unsubscribed within OPT_OUT_WITHIN of its last message.

    None if nothing was sent.
    """
    since, last = campaign.started_at, campaign.last_sent_at
    if since is None or last is None:
        return None
    return and_(
        Contact.consent == Consent.UNSUBSCRIBED,
        Contact.consent_at.between(since, last + OPT_OUT_WITHIN),
        Recipient.campaign_id == campaign.id,
        func.coalesce(Recipient.delivered_at, Recipient.read_at) <= Contact.consent_at,
    )


def _opted_out(session: Session, campaign: Campaign) -> int:
    condition = opted_out_condition(campaign)
    if condition is None:
        return 0
    query = select(func.count()).select_from(Contact).join(Recipient, Recipient.contact_id == Contact.id)
    return session.scalar(query.where(condition)) or 0


def _often(session: Session, campaign: Campaign, span: IdSpan) -> SignalFigure | None:
    """How many of a sample had more than OFTEN_MESSAGES messages of campaigns in OFTEN_DAYS, this one included."""
    last = campaign.last_sent_at
    if last is None:
        return None
    contacts = sampled_contacts(session, campaign.id, span).subquery()
    often = (
        select(Recipient.contact_id)
        .where(
            Recipient.contact_id.in_(select(contacts.c.contact_id)),
            Recipient.state.in_(WRITTEN_TO),
            Recipient.status != "failed",
            Recipient.accepted_at.between(last - timedelta(days=OFTEN_DAYS), last),
        )
        .group_by(Recipient.contact_id)
        .having(func.count() > OFTEN_MESSAGES)
        .subquery()
    )
    part = session.scalar(select(func.count()).select_from(often)) or 0
    whole = session.scalar(select(func.count()).select_from(contacts)) or 0
    values = {"most": OFTEN_MESSAGES, "days": OFTEN_DAYS, "group": _group_words(campaign)}
    return SignalFigure(part, whole, values)


def _group_words(campaign: Campaign) -> str:
    """What the audience is made of, segments first: `the segment “VIP”`."""
    named = [
        (kind, item[kind])
        for kind in ("segment", "list", "tag")
        for item in campaign.audience.get("include") or ()
        if kind in item
    ]
    return f"the {named[0][0]} “{named[0][1]}”" if named else "this audience"
