"""Making, changing, copying and deleting campaigns; their life is in jobs.campaigns and admin.operations.campaign_lifecycle.

Everything that refuses raises Refused with one line, and then nothing was written.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from admin.operations.campaign_file import CampaignFile, Medium, read_campaign
from admin.operations.media import store_file
from jobs.core.runtime import Runtime
from models.audience.audience import complete_contacts, parse_audience
from models.campaigns.stats import stats_of
from models.clock import utcnow
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import (
    DEFAULT_PER_SECOND,
    EDITABLE,
    ENDS_AFTER,
    LIVE,
    Campaign,
    CampaignKind,
    CampaignStatus,
    get_campaign,
)
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.template import MediaHandle, Template
from models.templates.variables import check_mapping, media_format, unknown_names

COPIED_COLUMNS = ("number_id", "template_id", "flow_id", "variables", "media", "pace_per_second", "pace_per_hour")
"""What a campaign that is made of another takes over besides its audience."""
MAX_NAME = 200


@dataclass(frozen=True)
class Created:
    """What came of a campaign: `draft` with what is missing, or `ready`."""

    id: int
    status: str
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The public form."""
        shown = asdict(self) | {"missing": list(self.missing)}
        return shown if self.missing else {"id": self.id, "status": self.status}


def create_campaign(rt: Runtime, data: Any, actor: str, directory: Path | None = None) -> Created:
    """Make a campaign from the public file's content. `directory`: where `media.header.file` may be looked up; None forbids it."""
    given, now = read_campaign(data), utcnow()
    values = _values(rt, given, directory, now)
    with rt.database.write() as session:
        campaign = Campaign(created_by=actor, created_at=now, updated_at=now, ends_after_seconds=0, **values)
        campaign.ends_after_seconds = _ends_after(given, CampaignKind.REAL)
        session.add(campaign)
        created = _settle(session, campaign)
        record_audit(session, now, actor, AuditAction.CREATE, "campaign", campaign.id, status=created.status)
        return created


def update_campaign(rt: Runtime, campaign_id: int, data: Any, actor: str, directory: Path | None = None) -> Created:
    """Replace what a draft, ready or scheduled campaign says; a scheduled one goes back to ready."""
    given, now = read_campaign(data), utcnow()
    load_campaign(rt, campaign_id)
    values = _values(rt, given, directory, now)
    with rt.database.write() as session:
        campaign = _editable(session, campaign_id)
        campaign.status = CampaignStatus.DRAFT  # until `_settle` has looked: whatever is missing meanwhile may be
        for name, value in values.items():
            setattr(campaign, name, value)
        if given.ends_after_hours is not None:
            campaign.ends_after_seconds = _ends_after(given, campaign.kind)
        campaign.updated_at, campaign.note, campaign.scheduled_at = now, None, None
        changed = _settle(session, campaign)
        record_audit(session, now, actor, AuditAction.UPDATE, "campaign", campaign_id, status=changed.status)
        return changed


def duplicate_campaign(rt: Runtime, campaign_id: int, actor: str) -> Created:
    """A new campaign that says the same, to be changed and started by itself."""
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
        record_audit(session, now, actor, AuditAction.DUPLICATE, "campaign", campaign.id, original=campaign_id)
        return created


def delete_campaign(rt: Runtime, campaign_id: int, actor: str) -> None:
    """Hide a campaign for good. Refused while it is active or paused."""
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
    """The campaign, detached. Refused where there is none, or it was deleted."""
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


def missing_parts(session: Session, campaign: Campaign) -> list[str]:
    """What keeps a campaign from being ready, a line each."""
    missing = []
    if not campaign.name:
        missing.append("name")
    if campaign.number_id is None:
        missing.append("number")
    template = session.get(Template, campaign.template_id) if campaign.template_id else None
    if template is None:
        missing.append("template")
    if not campaign.audience.get("include"):
        missing.append("audience")
    if template is not None:
        missing += [line for line in check_mapping(template, campaign.variables, campaign.media) if _is_missing(line)]
    return missing


def _is_missing(line: str) -> bool:
    """A gap makes a draft; everything else that check_mapping finds is wrong and refused."""
    return line.endswith("is not mapped") or line.startswith("media: the template's header needs")


def _values(rt: Runtime, given: CampaignFile, directory: Path | None, now: datetime) -> dict[str, Any]:
    """The columns, with every name looked up."""
    with rt.database.read() as session:
        number = _number(session, given.number)
        template = _template(session, given, number)
        flow_id = _flow_id(session, given.flow)
        audience = complete_contacts(given.audience or {}, rt.settings.default_country)
        if audience.get("include") or audience.get("exclude"):
            parse_audience(
                session, audience if audience.get("include") else audience | {"include": audience["exclude"]}
            )
        variables = given.variables.model_dump(exclude_none=True, exclude_defaults=True)
        if problems := unknown_names(session, variables):
            raise OperatorError("{problems}", problems="; ".join(problems))
    media = _media(rt, given.media.header, number, template, directory, now)
    if template is not None:
        wrong = [line for line in check_mapping(template, variables, media) if not _is_missing(line)]
        if wrong:
            raise OperatorError("{problems}", problems="; ".join(wrong))
    per_hour = given.pace.per_hour if given.pace else None
    return {
        "name": given.name,
        "number_id": number.id if number else None,
        "template_id": template.id if template else None,
        "flow_id": flow_id,
        "audience": audience,
        "variables": variables,
        "media": media,
        "pace_per_hour": per_hour,
        "pace_per_second": None if per_hour else (given.pace.per_second if given.pace else DEFAULT_PER_SECOND),
    }


def _number(session: Session, phone_number_id: str | None) -> Number | None:
    if phone_number_id is None:
        return None
    number = session.scalars(select(Number).where(Number.phone_number_id == phone_number_id)).first()
    if number is None:
        known = ", ".join(session.scalars(select(Number.phone_number_id).order_by(Number.id).limit(10))) or "none yet"
        raise OperatorError(
            "number={phone_number_id}: there is no such number; there are: {known}",
            phone_number_id=phone_number_id[:64],
            known=known,
        )
    return number


def _template(session: Session, given: CampaignFile, number: Number | None) -> Template | None:
    if given.template is None:
        return None
    if number is None:
        raise OperatorError("template: needs a number, since templates belong to its account")
    name, language = given.template.name, given.template.language
    mine = select(Template).where(Template.waba_id == number.waba_id, Template.name == name)
    template = session.scalars(mine.where(Template.language == language)).first()
    if template is None:
        languages = ", ".join(session.scalars(mine.with_only_columns(Template.language)))
        hint = f"it is there in {languages}" if languages else "read them again with flask templates sync"
        raise OperatorError(
            "template={name} ({language}): there is no such template for this number; {hint}",
            name=name,
            language=language,
            hint=hint,
        )
    return template


def _flow_id(session: Session, name: str | None) -> int | None:
    if name is None:
        return None
    flow_id = session.scalars(select(Flow.id).where(Flow.name == name)).first()
    if flow_id is None:
        known = ", ".join(session.scalars(select(Flow.name).order_by(Flow.name).limit(10))) or "none yet"
        raise OperatorError("flow={name}: there is no such bot flow; there are: {known}", name=name[:100], known=known)
    return flow_id


def _media(
    rt: Runtime,
    medium: Medium | None,
    number: Number | None,
    template: Template | None,
    directory: Path | None,
    now: datetime,
) -> dict[str, Any]:
    if medium is None:
        return {}
    given = medium.model_dump(exclude_none=True)
    if medium.file is None and medium.sha256 is None:
        return {"header": given}
    if number is None:
        raise OperatorError("media: needs a number, since uploads belong to it")
    if medium.sha256 is not None:
        return {"header": {"sha256": medium.sha256, "file": _kept_file(rt, number.id, medium.sha256)}}
    needed = media_format(template) if template else None
    if needed is None:
        raise OperatorError("media: the template's header takes no media")
    if directory is None:
        raise OperatorError("media.header.file: allowed on the command line alone; upload the file instead")
    path = directory / str(medium.file)
    return {"header": {"sha256": store_file(rt, number.id, path, needed, now), "file": path.name}}


def _kept_file(rt: Runtime, number_id: int, sha256: str) -> str:
    with rt.database.read() as session:
        query = select(MediaHandle.file_name).where(MediaHandle.number_id == number_id, MediaHandle.sha256 == sha256)
        name = session.scalars(query).first()
    if name is None:
        raise OperatorError("media.header.sha256={sha256}: there is no such upload for this number", sha256=sha256)
    return name


def _ends_after(given: CampaignFile, kind: CampaignKind) -> int:
    return int(given.ends_after_hours * 3600) if given.ends_after_hours else int(ENDS_AFTER[kind].total_seconds())


def _settle(session: Session, campaign: Campaign) -> Created:
    """Draft or ready, by what is missing. For a campaign that is being made or changed in this transaction."""
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
