"""Creates, changes, duplicates, deletes and lists campaigns. jobs.campaigns and admin.operations.campaign_lifecycle run them.

Each function raises OperatorError with one line if it refuses, and then nothing was written.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from admin.operations.campaign_file import CampaignFile, read_campaign
from admin.operations.campaign_values import campaign_values
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.campaigns.missing import missing_parts
from models.campaigns.stats import stats_of
from models.clock import utcnow
from models.conversions.goals import goals_of, set_goals
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import (
    EDITABLE,
    ENDS_AFTER,
    LIVE,
    Campaign,
    CampaignKind,
    CampaignStatus,
    get_campaign,
)

COPIED_COLUMNS = (
    "number_id",
    "template_id",
    "languages",
    "fallback_language",
    "by_language",
    "flow_id",
    "variables",
    "media",
    "content",
    "opt_out_buttons",
    "max_price",
    "max_price_currency",
    "retry",
    "pace_per_second",
    "pace_per_hour",
)
"""The columns that a duplicate or a test copies from its original, besides the audience."""
MAX_NAME = 200


@dataclass(frozen=True)
class Created:
    """A saved campaign. `status` is `draft` with the `missing` parts, or `ready`."""

    id: int
    status: str
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The public form: `id`, `status` and, for a draft, `missing`."""
        payload = asdict(self) | {"missing": list(self.missing)}
        return payload if self.missing else {"id": self.id, "status": self.status}


@retry_conflicts
def create_campaign(rt: Runtime, data: Any, actor: str, directory: Path | None = None) -> Created:
    """Create a campaign from the content of a campaign file (docs/campaigns.md).

    `directory`: where `media.header.file` is looked up; None forbids such a file. Raises OperatorError if the content is wrong.
    """
    file, now = read_campaign(data), utcnow()
    values = campaign_values(rt, file, directory, now, actor)
    with rt.database.write() as session:
        campaign = Campaign(created_by=actor, created_at=now, updated_at=now, ends_after_seconds=0, **values)
        campaign.ends_after_seconds = _ends_after(file, CampaignKind.REAL)
        session.add(campaign)
        created = _settle(session, campaign)
        set_goals(session, campaign.id, file.campaign_goals)
        record_audit(session, now, actor, AuditAction.CREATE, "campaign", campaign.id, status=created.status)
        return created


@retry_conflicts
def update_campaign(rt: Runtime, campaign_id: int, data: Any, actor: str, directory: Path | None = None) -> Created:
    """Replace the content of a draft, ready or scheduled campaign; a scheduled one becomes ready.

    Raises OperatorError if the content is wrong or its state does not allow a change, CampaignNotFoundError if there is none.
    """
    file, now = read_campaign(data), utcnow()
    load_campaign(rt, campaign_id)
    values = campaign_values(rt, file, directory, now, actor)
    with rt.database.write() as session:
        campaign = _editable(session, campaign_id)
        campaign.status = CampaignStatus.DRAFT  # until `_settle` decides: parts may be missing meanwhile
        for name, value in values.items():
            setattr(campaign, name, value)
        if file.ends_after_hours is not None:
            campaign.ends_after_seconds = _ends_after(file, campaign.kind)
        campaign.updated_at, campaign.note, campaign.scheduled_at = now, None, None
        changed = _settle(session, campaign)
        set_goals(session, campaign_id, file.campaign_goals)
        record_audit(session, now, actor, AuditAction.UPDATE, "campaign", campaign_id, status=changed.status)
        return changed


@retry_conflicts
def duplicate_campaign(rt: Runtime, campaign_id: int, actor: str) -> Created:
    """Copy a campaign into a new real one. Raises CampaignNotFoundError if there is none."""
    now = utcnow()
    with rt.database.write() as session:
        original = get_campaign(session, campaign_id)
        campaign = Campaign(
            name=f"{original.name[: MAX_NAME - 7]} (copy)",
            ends_after_seconds=int(ENDS_AFTER[CampaignKind.REAL].total_seconds()),
            created_by=actor,
            created_at=now,
            updated_at=now,
            audience=original.audience,
            **{name: getattr(original, name) for name in COPIED_COLUMNS},
        )
        session.add(campaign)
        created = _settle(session, campaign)
        set_goals(session, campaign.id, goals_of(session, [campaign_id]).get(campaign_id, ()))
        record_audit(session, now, actor, AuditAction.DUPLICATE, "campaign", campaign.id, original=campaign_id)
        return created


@retry_conflicts
def delete_campaign(rt: Runtime, campaign_id: int, actor: str) -> None:
    """Hide a campaign for good.

    Raises OperatorError if it is active or paused, CampaignNotFoundError if there is none.
    """
    now = utcnow()
    with rt.database.write() as session:
        hidden = session.execute(
            update(Campaign)
            .where(Campaign.id == campaign_id, Campaign.deleted_at.is_(None), Campaign.status.not_in(LIVE))
            .values(deleted_at=now, updated_at=now)
            .returning(Campaign.id),
            execution_options=NO_SYNC,
        ).first()
        if hidden is None:
            status = get_campaign(session, campaign_id).status
            raise OperatorError(
                "campaign {campaign_id}: it is {status}; end it before you delete it",
                campaign_id=campaign_id,
                status=status,
            )
        record_audit(session, now, actor, AuditAction.DELETE, "campaign", campaign_id)


def load_campaign(rt: Runtime, campaign_id: int) -> Campaign:
    """Load a campaign, detached. Raises CampaignNotFoundError if there is none or it was deleted."""
    with rt.database.read() as session:
        return get_campaign(session, campaign_id)


def list_campaigns(rt: Runtime, kind: CampaignKind, limit: int = 200) -> list[dict[str, Any]]:
    """The public statistics of the newest campaigns of a kind, newest first."""
    with rt.database.read() as session:
        ids = session.scalars(
            select(Campaign.id)
            .where(Campaign.kind == kind, Campaign.deleted_at.is_(None))
            .order_by(Campaign.id.desc())
            .limit(limit)
        ).all()
        return list(stats_of(session, ids).values())


def _ends_after(file: CampaignFile, kind: CampaignKind) -> int:
    return int(file.ends_after_hours * 3600) if file.ends_after_hours else int(ENDS_AFTER[kind].total_seconds())


def _settle(session: Session, campaign: Campaign) -> Created:
    """Set the status to draft or ready, by what is missing. For a campaign that this transaction creates or changes."""
    missing = missing_parts(session, campaign)
    campaign.status = CampaignStatus.DRAFT if missing else CampaignStatus.READY
    session.flush()
    return Created(campaign.id, campaign.status.value, tuple(missing))


def _editable(session: Session, campaign_id: int) -> Campaign:
    query = select(Campaign).where(Campaign.id == campaign_id, Campaign.deleted_at.is_(None)).with_for_update()
    campaign = session.scalars(query).first()
    if campaign is None:
        raise OperatorError("campaign {campaign_id}: there is no such campaign", campaign_id=campaign_id)
    if campaign.status not in EDITABLE:
        allowed = ", ".join(EDITABLE)
        raise OperatorError(
            "campaign {campaign_id}: it is {status}; it can be changed while it is: {allowed}",
            campaign_id=campaign_id,
            status=campaign.status,
            allowed=allowed,
        )
    return campaign
