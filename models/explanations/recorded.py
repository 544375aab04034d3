"""Explains a launched campaign for one person from the rows alone: nothing is judged again."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.campaigns.recipient_error import recipient_error_line
from models.clicks.figures import first_clicks_of
from models.explanations.steps import Explanation, HappenedStep, RuleResult, RuleStep
from models.stored_texts import show_stored
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.contact import ConsentEvent, Contact
from models.tables.conversion import AttributionModel, Conversion
from models.tables.recipient import NOT_SENT_TEXT, NotSent, Recipient, RecipientState
from models.tables.recipient_try import RecipientTry
from models.tables.template import Template
from models.text import Text

MAX_STEPS = 50
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
        passed = [_passed(session, row, reason, row.queued_at) for reason in NotSent if reason not in AFTER_LAUNCH]
        included = RuleStep(None, RuleResult.PASSED, Text("The audience included this contact."), row.queued_at)
        return Explanation(
            False, now, _verdict(row), [included, *passed], _happened(session, row), is_written_to=_is_sent(row)
        )
    return Explanation(False, now, _verdict(row), list(_left_out(session, campaign, row)), _happened(session, row))


def _absent(campaign: Campaign, contact: Contact, now: datetime) -> Explanation:
    fact, at = Text("The audience did not include this contact when it was prepared."), campaign.launched_at
    if campaign.launched_at is None:
        fact = Text("The audience is still being prepared; this contact is not in it yet.")
        at = campaign.started_at
    elif contact.created_at > (campaign.started_at or campaign.launched_at):
        fact, at = Text("The contact was added after the campaign had started."), contact.created_at
    verdict = Text("Not in this campaign.")
    return Explanation(False, now, verdict, [RuleStep(None, RuleResult.LEFT_OUT, fact, at)])


def _left_out(session: Session, campaign: Campaign, row: Recipient) -> Iterator[RuleStep]:
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
            yield _passed(session, row, reason, at)
        else:
            yield RuleStep(reason, RuleResult.NOT_ASKED, Text("Not asked: an earlier rule had decided."))


def _passed(session: Session, row: Recipient, reason: NotSent, at: datetime | None) -> RuleStep:
    """A rule that did not leave the person out, with the fact of then where a row still has it."""
    if reason is NotSent.NOT_SUBSCRIBED and at is not None:
        query = select(ConsentEvent).where(ConsentEvent.contact_id == row.contact_id, ConsentEvent.at <= at)
        event = session.scalar(query.order_by(ConsentEvent.at.desc(), ConsentEvent.id.desc()).limit(1))
        if event is not None:
            about = {"state": event.after.value.replace("_", " "), "source": event.source or "–"}
            return RuleStep(reason, RuleResult.PASSED, Text("Consent was {state}, by {source}.", about), event.at)
    if reason is NotSent.NO_LANGUAGE and row.cohort_id is not None:
        language = session.scalar(select(Template.language).join(Cohort).where(Cohort.id == row.cohort_id))
        return RuleStep(reason, RuleResult.PASSED, Text("Sent in the language {language}.", {"language": language}), at)
    return RuleStep(reason, RuleResult.PASSED, Text("It did not leave this person out."), at)


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


def _happened(session: Session, row: Recipient) -> list[HappenedStep]:
    """What happened to the message and because of it, in the order of time, with every try."""
    steps = list(_steps(row, row.attempts))
    earlier = session.scalars(select(RecipientTry).where(RecipientTry.recipient_id == row.id).limit(MAX_STEPS))
    for attempt in earlier:
        steps += _steps(attempt, attempt.attempt)
        about = {"number": attempt.attempt, "why": show_stored(attempt.error_msg) or attempt.status}
        steps.append(HappenedStep(Text("Try {number} ended: {why}. Queued again", about), attempt.again_at))
    if (clicked_at := first_clicks_of(session, [row.id]).get(row.id)) is not None:
        steps.append(HappenedStep(Text("First clicked a link"), clicked_at))
    steps += [HappenedStep(Text("Bought"), found.ordered_at) for found in session.scalars(_conversions(row))]
    return sorted(steps, key=lambda step: step.at.timestamp() if step.at else 0.0)


def _conversions(row: Recipient) -> Select[Conversion]:
    is_theirs = (Conversion.recipient_id == row.id, Conversion.model == AttributionModel.LAST_TOUCH)
    return select(Conversion).where(*is_theirs).order_by(Conversion.ordered_at).limit(MAX_STEPS)


def _steps(row: Recipient | RecipientTry, attempt: int) -> Iterator[HappenedStep]:
    moments = (
        (row.queued_at, Text("Queued")),
        (row.claimed_at, Text("Sent to Meta (try {number})", {"number": attempt})),
        (row.unsure_at, Text("The answer of Meta was lost")),
        (row.left_at, Text("An operator decided to leave it")),
        (row.accepted_at, Text("Accepted by Meta")),
        (row.sent_at, Text("Sent")),
        (row.delivered_at, Text("Delivered")),
        (row.read_at, Text("Read")),
        (row.failed_at, Text("Failed")),
        (row.replied_at if isinstance(row, Recipient) else None, Text("Replied")),
    )
    yield from (HappenedStep(text, at) for at, text in moments if at is not None)
