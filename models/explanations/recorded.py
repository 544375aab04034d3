"""Explains a launched campaign for one person from the rows alone: nothing is judged again."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.recipient_error import recipient_error_line
from models.explanations.steps import Explanation, HappenedStep, RuleResult, RuleStep
from models.stored_texts import show_stored
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.recipient import NOT_SENT_TEXT, NotSent, Recipient, RecipientState
from models.text import Text

AFTER_LAUNCH = (NotSent.EXPIRED, NotSent.OPERATOR, NotSent.CAMPAIGN_ENDED)
"""Reasons that are no rules of the launch: they came later."""


def explain_recorded(session: Session, campaign: Campaign, contact: Contact, now: datetime) -> Explanation:
    """Explain what the rows say about the contact in a campaign that was started."""
    query = select(Recipient).where(Recipient.campaign_id == campaign.id, Recipient.contact_id == contact.id)
    # Of a merged contact two records may have been in it: the one that was written to comes first.
    rows = session.scalars(query.order_by(Recipient.accepted_at.is_(None), Recipient.reason, Recipient.id)).all()
    if not rows:
        return _absent(campaign, contact, now)
    row = rows[0]
    if row.reason is None:
        passed = [
            RuleStep(reason, RuleResult.PASSED, Text("Asked when the audience was prepared."), row.queued_at)
            for reason in NotSent
            if reason not in AFTER_LAUNCH
        ]
        included = RuleStep(None, RuleResult.PASSED, Text("The audience included this contact."), row.queued_at)
        return Explanation(
            False, now, _verdict(row), [included, *passed], list(_happened(row)), is_written_to=_is_sent(row)
        )
    return Explanation(False, now, _verdict(row), list(_left_out(campaign, row)), list(_happened(row)))


def _absent(campaign: Campaign, contact: Contact, now: datetime) -> Explanation:
    fact, at = Text("The audience did not include this contact when it was prepared."), campaign.launched_at
    if campaign.launched_at is None:
        fact = Text("The audience is still being prepared; this contact is not in it yet.")
        at = campaign.started_at
    elif contact.created_at > (campaign.started_at or campaign.launched_at):
        fact, at = Text("The contact was added after the campaign had started."), contact.created_at
    verdict = Text("Not in this campaign.")
    return Explanation(False, now, verdict, [RuleStep(None, RuleResult.LEFT_OUT, fact, at)])


def _left_out(campaign: Campaign, row: Recipient) -> Iterator[RuleStep]:
    """The rules up to the one that left the person out, and those that were not asked any more."""
    # Who was queued had passed every rule at the launch; a reason of later was found right before sending.
    at = row.queued_at or campaign.launched_at or campaign.started_at
    yield RuleStep(None, RuleResult.PASSED, Text("The audience included this contact."), at)
    order = list(NotSent)
    decided = order.index(row.reason) if row.reason is not None else len(order)
    for place, reason in enumerate(order):
        if place == decided:
            yield RuleStep(reason, RuleResult.LEFT_OUT, _reason_text(row, reason), None if row.queued_at else at)
        elif reason in AFTER_LAUNCH:
            continue
        elif place < decided or row.queued_at is not None:
            yield RuleStep(reason, RuleResult.PASSED, Text("Asked when the audience was prepared."), at)
        else:
            yield RuleStep(reason, RuleResult.NOT_ASKED, Text("Not asked: an earlier rule had decided."))


def _reason_text(row: Recipient, reason: NotSent) -> Text:
    detail = show_stored(row.detail)
    late = "Found right before sending: " if row.queued_at is not None and reason not in AFTER_LAUNCH else ""
    text = Text(NOT_SENT_TEXT[reason])
    if not detail:
        return Text(late + "{why}", {"why": text})
    return Text(late + "{why} ({detail})", {"why": text, "detail": detail})


def _is_sent(row: Recipient) -> bool:
    return row.state in (RecipientState.ACCEPTED, RecipientState.HELD)


def _verdict(row: Recipient) -> Text:
    if row.reason is not None:
        return Text("Left out: {why}", {"why": Text(NOT_SENT_TEXT[row.reason])})
    words = {
        "queued": "Eligible, and waiting to be sent.",
        "sending": "Being sent right now.",
        "unsure": "Sent perhaps: the answer of Meta was lost.",
        "held": "Accepted by Meta, which still holds it back.",
        "sent": "Sent.",
        "delivered": "Sent and delivered.",
        "read": "Sent, delivered and read.",
    }
    if row.status == "failed":
        line = recipient_error_line(row.status, row.error_code, row.error_msg)
        return Text("Failed: {why}", {"why": line}) if line else Text("Failed.")
    return Text(words.get(row.status, "In the campaign."))


def _happened(row: Recipient) -> Iterator[HappenedStep]:
    """What happened to the message, in the order of time."""
    tries = Text("Last tried (try {number})", {"number": row.attempts})
    moments = (
        (row.queued_at, Text("Queued")),
        (row.claimed_at, tries),
        (row.unsure_at, Text("The answer of Meta was lost")),
        (row.left_at, Text("An operator decided to leave it")),
        (row.accepted_at, Text("Accepted by Meta")),
        (row.sent_at, Text("Sent")),
        (row.delivered_at, Text("Delivered")),
        (row.read_at, Text("Read")),
        (row.failed_at, Text("Failed")),
        (row.replied_at, Text("Replied")),
    )
    steps = [HappenedStep(text, at) for at, text in moments if at is not None]
    yield from sorted(steps, key=lambda step: step.at.timestamp() if step.at else 0.0)
