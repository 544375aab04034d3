"""Stores recipients: a contact in one campaign, with the state of its message. Campaign messages are stored here alone.

`state` is the result of sending; each later status of Meta is a time of its own (`delivered_at`, …), and the database derives
`status` from both, so that it cannot drift and a late event cannot move it backwards.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db.base import Base, BigId, word


class RecipientState(StrEnum):
    """The state of sending a recipient's message."""

    QUEUED = "queued"
    SENDING = "sending"
    """Claimed; committed before the request is sent."""
    UNSURE = "unsure"
    """The request may have arrived; never sent again automatically."""
    HELD = "held"
    """Accepted, and held back by Meta for its quality assessment."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Meta answered with an error that is final for this recipient."""
    NOT_SENT = "not_sent"
    """Left out; `reason` says why."""


WRITTEN_TO = (RecipientState.ACCEPTED, RecipientState.HELD, RecipientState.UNSURE, RecipientState.SENDING)
"""States in which the message has left, as far as we can know: the person may have it."""


class NotSent(StrEnum):
    """Why a candidate was left out, in the order of the waterfall: each is counted under the first reason that applies."""

    EXCLUDED = "excluded"
    DUPLICATE = "duplicate"
    NO_TAGS = "no_tags"
    INVALID_PHONE = "invalid_phone"
    UNCLEAR_PHONE = "unclear_phone"
    MISSING_CALLING_CODE = "missing_calling_code"
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    NOT_SUBSCRIBED = "not_subscribed"
    MARKETING_STOPPED = "marketing_stopped"
    OPEN_CASE = "open_case"
    ENGAGED = "engaged"
    MISSING_VARIABLE = "missing_variable"
    FREQUENCY_CAP = "frequency_cap"
    BAD_VALUE = "bad_value"
    NO_LANGUAGE = "no_language"
    NO_PHONE_FOR_MAX_PRICE = "no_phone_for_max_price"
    EXPIRED = "expired"
    OPERATOR = "operator"
    CAMPAIGN_ENDED = "campaign_ended"


NOT_SENT_TEXT = {
    NotSent.EXCLUDED: "The audience excludes this contact.",
    NotSent.DUPLICATE: "Another record of the same person is already in this campaign.",
    NotSent.NO_TAGS: "The contact has no tag, and only tagged contacts can be reached.",
    NotSent.INVALID_PHONE: "The phone number is not a possible one.",
    NotSent.UNCLEAR_PHONE: "The phone number has no plus, and may be one of two people's.",
    NotSent.MISSING_CALLING_CODE: "The phone number has no calling code.",
    NotSent.NOT_ON_WHATSAPP: "WhatsApp refused this number twice; it is probably not on WhatsApp.",
    NotSent.NOT_SUBSCRIBED: "The contact is not subscribed.",
    NotSent.MARKETING_STOPPED: "The contact stopped marketing messages on WhatsApp.",
    NotSent.OPEN_CASE: "The contact has an open case with an agent.",
    NotSent.ENGAGED: "The contact is in another active campaign.",
    NotSent.MISSING_VARIABLE: "A value that the template needs is missing.",
    NotSent.FREQUENCY_CAP: "The contact already had as many marketing messages as the frequency cap allows.",
    NotSent.BAD_VALUE: "A value for the template is one that WhatsApp would refuse.",
    NotSent.NO_LANGUAGE: "The campaign has no language for this contact.",
    NotSent.NO_PHONE_FOR_MAX_PRICE: "The template has a maximum price, for which Meta needs the phone number.",
    NotSent.EXPIRED: "The time in which this message made sense was over.",
    NotSent.OPERATOR: "An operator decided to leave it.",
    NotSent.CAMPAIGN_ENDED: "The campaign ended before this message was sent.",
}

NOT_SENT_ADVICE = {
    NotSent.EXCLUDED: "Nothing, or change the audience.",
    NotSent.DUPLICATE: "Nothing: the person gets the message once. Merge the two records if you like.",
    NotSent.NO_TAGS: "Tag the contact, or allow people without a tag in the settings.",
    NotSent.INVALID_PHONE: "Correct the number on the contact's page.",
    NotSent.UNCLEAR_PHONE: "Say what the number is, under Contacts, Numbers to mend.",
    NotSent.MISSING_CALLING_CODE: "Say which country the number is of, under Contacts, Numbers to mend.",
    NotSent.NOT_ON_WHATSAPP: "Reach the person another way, or ask for another number.",
    NotSent.NOT_SUBSCRIBED: "Ask the person for consent, and record it with its source. Nothing overrides it.",
    NotSent.MARKETING_STOPPED: "Respect it: the person alone can allow marketing again. Utility templates still reach them.",
    NotSent.OPEN_CASE: "Resolve the case in the inbox, or have the agent tell the person.",
    NotSent.ENGAGED: "End the other campaign, or wait until it ends.",
    NotSent.MISSING_VARIABLE: "Give the contact the value, or the campaign's variable a fallback.",
    NotSent.FREQUENCY_CAP: "Wait, or change the frequency cap in the settings.",
    NotSent.BAD_VALUE: "Correct the contact's value: no line breaks, no runs of spaces, not empty.",
    NotSent.NO_LANGUAGE: "Add the language to the campaign, or name a fallback.",
    NotSent.NO_PHONE_FOR_MAX_PRICE: "Add the contact's phone number, or use a template without a maximum price.",
    NotSent.EXPIRED: "Nothing: write to them in another campaign if it still makes sense.",
    NotSent.OPERATOR: "Nothing: somebody decided it. Write to them in another campaign if that was wrong.",
    NotSent.CAMPAIGN_ENDED: "Write to them in another campaign; end later next time.",
}
"""What to do about it."""

STATUS_SQL = (
    "CASE WHEN state = 'refused' THEN 'failed' "
    "WHEN state NOT IN ('accepted', 'held') THEN state "
    "WHEN read_at IS NOT NULL THEN 'read' "
    "WHEN delivered_at IS NOT NULL THEN 'delivered' "
    "WHEN failed_at IS NOT NULL THEN 'failed' "
    "WHEN state = 'held' AND sent_at IS NULL THEN 'held' ELSE 'sent' END"
)
"""The expression of `Recipient.status`. Meta's `sent` for a held message means that it was released."""


class SendEndpoint(StrEnum):
    """By which of Meta's endpoints a message was sent, or is to be sent next."""

    MESSAGES = "messages"
    """The Cloud API."""
    MARKETING = "marketing_messages"
    """The Marketing Messages API."""
    FALLBACK = "fallback"
    """The Cloud API, after the Marketing Messages API certainly refused the message."""


class Recipient(Base):
    """One row per candidate, whether the message is sent or not."""

    __tablename__ = "recipient"
    __table_args__ = (
        CheckConstraint("(state = 'not_sent') = (reason IS NOT NULL)", name="left_out_has_a_reason"),
        CheckConstraint("state <> 'sending' OR lane_id IS NOT NULL", name="sending_has_a_lane"),
        Index("uq_recipient_person", "campaign_id", "person_key", unique=True),
        Index(
            "ix_recipient_cohort_queue",
            "cohort_id",
            "due_at",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_recipient_lane",
            "lane_id",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
        Index(
            "ix_recipient_wamid",
            "wamid",
            sqlite_where=text("wamid IS NOT NULL"),
            postgresql_where=text("wamid IS NOT NULL"),
        ),
        Index(
            "ix_recipient_unsure",
            "campaign_id",
            "id",
            sqlite_where=text("unsure_at IS NOT NULL"),
            postgresql_where=text("unsure_at IS NOT NULL"),
        ),
        Index("ix_recipient_figures", "campaign_id", "state", "status", "reason", "is_replied", "cohort_id"),
        {
            # The id of a purged recipient is never reused: later statuses of Meta have it in their callback data.
            "sqlite_autoincrement": True,
            "postgresql_with": {
                "fillfactor": 70,
                "autovacuum_vacuum_scale_factor": 0.02,
                "autovacuum_analyze_scale_factor": 0.02,
            },
        },
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    contact_id: Mapped[int] = mapped_column(BigId, ForeignKey("contact.id"), index=True)
    person_key: Mapped[str] = mapped_column(String(200))
    """As of launch. A row left out as `duplicate` or `excluded` has `c:<contact id>`, so that the person's other row is unique."""
    state: Mapped[RecipientState] = mapped_column(word(RecipientState, "state", grows=True))
    reason: Mapped[NotSent | None] = mapped_column(word(NotSent, "reason", grows=True))
    detail: Mapped[str | None] = mapped_column(Text)
    """What the text of `reason` does not say: which variable is missing, which value is invalid. Of a row that is or was unsure:
    why; it stays when a webhook settles it."""
    source_values: Mapped[dict[str, Any] | None]
    """The variables' values at launch, component → key → value; formatted when the row is claimed."""
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """Number of claims; the attempt is part of the message's callback data."""
    failures: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """Number of transient refusals; `ErrorRule.tries` of them, and the recipient fails."""
    lane_id: Mapped[int | None] = mapped_column(BigId)
    """The last sender. Without a foreign key: lanes are deleted a day after they ended, and no index would find their rows."""
    due_at: Mapped[datetime | None]
    """When a queued row may be claimed. Of a failed one whose next try was not possible: when a rule looks at it again."""
    endpoint: Mapped[SendEndpoint | None] = mapped_column(word(SendEndpoint, "endpoint", grows=True))
    """Of the last attempt, committed before its request; FALLBACK also of a queued row whose next attempt goes so."""
    wamid: Mapped[str | None] = mapped_column(String(300))
    error_code: Mapped[int | None]
    error_msg: Mapped[str | None] = mapped_column(Text)
    cohort_id: Mapped[int | None]
    """The cohort by the contact's language, also of who is left out; NULL if the campaign has no language for the contact, or the
    row is of a launch before cohorts were stored (`Cohort.has_unassigned`). Without a foreign key, as `lane_id`."""
    price_area: Mapped[str | None] = mapped_column(String(8))
    """The key of the price (models.billing.price_area), as of launch."""
    pricing_category: Mapped[str | None] = mapped_column(String(40))
    pricing_type: Mapped[str | None] = mapped_column(String(40))
    is_billable: Mapped[bool | None]
    cost: Mapped[int | None] = mapped_column(BigInteger)
    """Meta's own price of the message, in millionths of `cost_currency`; NULL where it named none."""
    cost_currency: Mapped[str | None] = mapped_column(String(3))
    price_at: Mapped[datetime | None]
    """Meta's time of the `delivered` or `read` status that named the price; NULL for one of a `sent` status."""

    queued_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    unsure_at: Mapped[datetime | None]
    """Not reset when a webhook settles the row."""
    left_at: Mapped[datetime | None]
    """When an operator decided not to send an unsure message again."""
    accepted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]

    status: Mapped[str] = mapped_column(String(12), Computed(STATUS_SQL, persisted=True))
    is_replied: Mapped[bool] = mapped_column(Computed("replied_at IS NOT NULL", persisted=True))
