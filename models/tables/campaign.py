"""Stores campaigns and defines their state machine as a table of transitions.

A transition is one conditional UPDATE with the states that it starts from, so two clicks start a campaign once. The panel
shows its buttons by the same table.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.db.base import Base, BigId, word
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.template import Template


class CampaignKind(StrEnum):
    """Whether a campaign is real or a test; the two are listed separately."""

    REAL = "real"
    TEST = "test"


class CampaignStatus(StrEnum):
    """The state of a campaign in its life cycle."""

    DRAFT = "draft"
    READY = "ready"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class CampaignOutcome(StrEnum):
    """The result of sending, independent of the status: a campaign may have sent everything and still hold its contacts."""

    PREPARING = "preparing"
    SENDING = "sending"
    SENT = "sent"
    PARTIALLY_SENT = "partially_sent"
    FAILED = "failed"


class CampaignType(StrEnum):
    """What a campaign sends, by its template: an offer, information, or products of a catalog."""

    PROMOTIONAL = "promotional"
    INFORMATIONAL = "informational"
    CATALOG = "catalog"


class PauseReason(StrEnum):
    """Why a campaign is paused."""

    OPERATOR = "operator"
    TEMPLATE_PAUSED = "template_paused"
    TEMPLATE_DISABLED = "template_disabled"
    TEMPLATE_CHANGED = "template_changed"
    TEMPLATE_REFUSED = "template_refused"
    """Meta does not take this template in this way, although nobody changed it."""
    MEDIA_REFUSED = "media_refused"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a reason, no secret
    NUMBER_RESTRICTED = "number_restricted"
    PAYMENT = "payment"
    LIMIT_REACHED = "limit_reached"
    FAILURE_RATE = "failure_rate"
    BUDGET = "budget"
    INGEST_LAG = "ingest_lag"
    DATABASE_RESTORED = "database_restored"
    """The database was put back from a copy; who may have the message since is `unsure` (models.restore)."""
    NOT_SERVED = "not_served"
    """No schedule ran for so long that the message may have lost its sense."""
    LAUNCH_STOPPED = "launch_stopped"
    """The audience could not be prepared to its end."""
    QUALITY = "quality"
    """Meta rates the template's quality red."""


ENDS_AFTER = {CampaignKind.REAL: timedelta(days=7), CampaignKind.TEST: timedelta(hours=24)}
DEFAULT_PER_SECOND = 20.0


class Campaign(Base):
    """A one-time message from one template to one audience. `audience`, `variables` and `media` have the public file's form.

    `models.templates.content.content_of` reads what it adds to the template.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("pace_per_second IS NULL OR pace_per_hour IS NULL", name="one_pace"),
        CheckConstraint("pace_per_second > 0 AND pace_per_second <= 1000", name="pace_per_second"),
        CheckConstraint("pace_per_hour > 0", name="pace_per_hour"),
        CheckConstraint("(status = 'paused') = (pause_reason IS NOT NULL)", name="pause_has_a_reason"),
        CheckConstraint("status <> 'scheduled' OR scheduled_at IS NOT NULL", name="schedule_has_a_time"),
        CheckConstraint(
            "status IN ('draft') OR (number_id IS NOT NULL AND template_id IS NOT NULL) OR deleted_at IS NOT NULL",
            name="complete_when_ready",
        ),
        Index("ix_campaign_status_number", "status", "number_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[CampaignKind] = mapped_column(word(CampaignKind, "kind"), default=CampaignKind.REAL)
    status: Mapped[CampaignStatus] = mapped_column(
        word(CampaignStatus, "status", grows=True), default=CampaignStatus.DRAFT
    )
    outcome: Mapped[CampaignOutcome | None] = mapped_column(word(CampaignOutcome, "outcome", grows=True))
    type: Mapped[CampaignType | None] = mapped_column(word(CampaignType, "type", grows=True))
    """As of the start, since a template's category may change later; NULL before (models.campaigns.campaign_type)."""
    tests_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"), index=True)
    """The real campaign that this one tests."""
    number_id: Mapped[int | None] = mapped_column(ForeignKey("number.id"))
    template_id: Mapped[int | None] = mapped_column(ForeignKey("template.id"))
    """Of several languages the template of the fallback, else of the first."""
    languages: Mapped[list[Any] | None]
    """The template's languages among which a contact's own chooses, in the order of the file; NULL: `template_id` for all."""
    fallback_language: Mapped[str | None] = mapped_column(String(16))
    """For whom none of `languages` fits; NULL: they are left out."""
    by_language: Mapped[dict[str, Any] | None]
    """language → `{"variables": …, "media": …}`, where they differ from the campaign's; both have the public file's form."""
    flow_id: Mapped[int | None] = mapped_column(ForeignKey("flow.id"))
    audience: Mapped[dict[str, Any]] = mapped_column(default=dict)
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    media: Mapped[dict[str, Any]] = mapped_column(default=dict)
    content: Mapped[dict[str, Any] | None]
    """Cards, products, offer, location and what else the template's format needs; NULL for a format that needs none."""
    opt_out_buttons: Mapped[list[Any] | None]
    """The places of the template's buttons that opt out, as the operator chose them; NULL: those recognized in the template."""
    max_price: Mapped[int | None] = mapped_column(BigInteger)
    """The most that a delivered message may cost, in millionths of `max_price_currency`; NULL: the template's own maximum."""
    max_price_currency: Mapped[str | None] = mapped_column(String(3))
    pace_per_second: Mapped[float | None]
    pace_per_hour: Mapped[float | None]
    ends_after_seconds: Mapped[int]
    retry: Mapped[dict[str, Any] | None]
    """How long temporary failures are tried again by themselves, in the file's form: `{"until": "…"}` or `{"for_hours": 72}`,
    hours from the launch; NULL: never (models.tries.rule)."""
    note: Mapped[str | None] = mapped_column(Text)
    """Why a scheduled start did not happen; shown until the campaign is edited or started."""

    pause_reason: Mapped[PauseReason | None] = mapped_column(word(PauseReason, "pause_reason", grows=True))
    pause_detail: Mapped[str | None] = mapped_column(Text)
    resumes_at: Mapped[datetime | None]
    """When a pause ends automatically; NULL if an operator must resume it."""

    scheduled_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]

    launch_cursor: Mapped[int] = mapped_column(BigId, default=0)
    """The highest contact id that the launch has processed: it continues from there if its process died."""
    launch_until: Mapped[int | None] = mapped_column(BigId)
    """The highest contact id at the start: later contacts are not included."""
    launch_token: Mapped[str | None] = mapped_column(String(64))
    launched_at: Mapped[datetime | None]
    """When the launch committed its last slice; no recipient is claimed before."""

    created_by: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    number: Mapped[Number | None] = relationship()
    template: Mapped[Template | None] = relationship()
    flow: Mapped[Flow | None] = relationship()


S = CampaignStatus
EDITABLE = (S.DRAFT, S.READY, S.SCHEDULED)
LIVE = (S.ACTIVE, S.PAUSED)

TRANSITIONS: Mapping[str, tuple[tuple[CampaignStatus, ...], CampaignStatus]] = {
    # verb: (from any of, to)
    "complete": ((S.DRAFT, S.READY), S.READY),
    "reopen": ((S.READY, S.SCHEDULED), S.DRAFT),
    "schedule": ((S.READY, S.SCHEDULED), S.SCHEDULED),
    "unschedule": ((S.SCHEDULED,), S.READY),
    "start": ((S.READY, S.SCHEDULED), S.ACTIVE),
    "pause": ((S.ACTIVE,), S.PAUSED),
    "resume": ((S.PAUSED,), S.ACTIVE),
    "end": ((S.ACTIVE, S.PAUSED), S.ENDED),
}


class CampaignNotFoundError(OperatorError):
    """There is no campaign of this id, or it was deleted."""

    def __init__(self, campaign_id: int) -> None:
        super().__init__("campaign {campaign_id}: there is no such campaign", campaign_id=campaign_id)


class TransitionError(OperatorError):
    """The campaign's status does not allow the transition; the message names the status and those that do."""


def get_campaign(session: Session, campaign_id: int) -> Campaign:
    """Return the campaign. Raises CampaignNotFoundError if there is none, or it was deleted."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None or campaign.deleted_at is not None:
        raise CampaignNotFoundError(campaign_id)
    return campaign


def allowed_verbs(status: CampaignStatus) -> frozenset[str]:
    """Return the transitions that are possible from `status`."""
    return frozenset(verb for verb, (sources, _) in TRANSITIONS.items() if status in sources)


def try_transition(session: Session, campaign_id: int, verb: str, now: datetime, **values: Any) -> bool:
    """Change the status if the campaign is in one that the transition starts from. False: another process changed it first.

    `values` are columns to set in the same statement (the reason of a pause, the time of a schedule).
    """
    sources, target = TRANSITIONS[verb]
    if target is not S.PAUSED:
        values = {"pause_reason": None, "pause_detail": None, "resumes_at": None, "paused_at": None} | values
    statement = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.status.in_(sources), Campaign.deleted_at.is_(None))
        .values(status=target, updated_at=now, **values)
        .returning(Campaign.id)
    )
    return session.execute(statement, execution_options=NO_SYNC).first() is not None


def transition(session: Session, campaign_id: int, verb: str, now: datetime, **values: Any) -> None:
    """Change the status. Raises TransitionError or CampaignNotFoundError if that is not possible; see `refusal`."""
    if not try_transition(session, campaign_id, verb, now, **values):
        raise refusal(session, campaign_id, verb)


def check_verb(session: Session, campaign_id: int, verb: str) -> None:
    """Check a transition before long work that ends in `transition`. Raises as that does if it is not possible now."""
    query = select(Campaign.status).where(Campaign.id == campaign_id, Campaign.deleted_at.is_(None))
    if session.scalar(query) not in TRANSITIONS[verb][0]:
        raise refusal(session, campaign_id, verb)


def refusal(session: Session, campaign_id: int, verb: str) -> OperatorError:
    """Return the error that explains why the transition is not possible."""
    query = select(Campaign.status).where(Campaign.id == campaign_id, Campaign.deleted_at.is_(None))
    status = session.scalar(query)
    if status is None:
        return CampaignNotFoundError(campaign_id)
    sources = ", ".join(TRANSITIONS[verb][0])
    return TransitionError(
        "campaign {campaign_id}: it is {status}; {verb} is possible from: {sources}",
        campaign_id=campaign_id,
        status=status,
        verb=verb,
        sources=sources,
    )
