"""Creates, changes, duplicates, deletes and lists campaigns. jobs.campaigns and admin.operations.campaign_lifecycle run them.

Each function raises OperatorError with one line if it refuses, and then nothing was written.
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
from models.campaigns.missing import missing_parts
from models.campaigns.stats import stats_of
from models.clock import utcnow
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.segments.references import spell_tags
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
from models.templates.opt_out_buttons import opt_out_buttons_problem
from models.templates.variables import mapping_problems, media_format, unknown_names

COPIED_COLUMNS = (
    "number_id",
    "template_id",
    "flow_id",
    "variables",
    "media",
    "opt_out_buttons",
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


def create_campaign(rt: Runtime, data: Any, actor: str, directory: Path | None = None) -> Created:
    """Create a campaign from the content of a campaign file (docs/campaigns.md).

    `directory`: where `media.header.file` is looked up; None forbids such a file. Raises OperatorError if the content is wrong.
    """
    file, now = read_campaign(data), utcnow()
    values = _values(rt, file, directory, now)
    with rt.database.write() as session:
        campaign = Campaign(created_by=actor, created_at=now, updated_at=now, ends_after_seconds=0, **values)
        campaign.ends_after_seconds = _ends_after(file, CampaignKind.REAL)
        session.add(campaign)
        created = _settle(session, campaign)
        record_audit(session, now, actor, AuditAction.CREATE, "campaign", campaign.id, status=created.status)
        return created


def update_campaign(rt: Runtime, campaign_id: int, data: Any, actor: str, directory: Path | None = None) -> Created:
    """Replace the content of a draft, ready or scheduled campaign; a scheduled one becomes ready.

    Raises OperatorError if the content is wrong or its state does not allow a change, CampaignNotFoundError if there is none.
    """
    file, now = read_campaign(data), utcnow()
    load_campaign(rt, campaign_id)
    values = _values(rt, file, directory, now)
    with rt.database.write() as session:
        campaign = _editable(session, campaign_id)
        campaign.status = CampaignStatus.DRAFT  # until `_settle` decides: parts may be missing meanwhile
        for name, value in values.items():
            setattr(campaign, name, value)
        if file.ends_after_hours is not None:
            campaign.ends_after_seconds = _ends_after(file, campaign.kind)
        campaign.updated_at, campaign.note, campaign.scheduled_at = now, None, None
        changed = _settle(session, campaign)
        record_audit(session, now, actor, AuditAction.UPDATE, "campaign", campaign_id, status=changed.status)
        return changed


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
        record_audit(session, now, actor, AuditAction.DUPLICATE, "campaign", campaign.id, original=campaign_id)
        return created


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


def _values(rt: Runtime, file: CampaignFile, directory: Path | None, now: datetime) -> dict[str, Any]:
    """The values of the columns, with every name resolved."""
    with rt.database.read() as session:
        number = _number(session, file.number)
        template = _template(session, file, number)
        flow_id = _flow_id(session, file.flow)
        audience = complete_contacts(file.audience or {}, rt.settings.default_country)
        if audience.get("include") or audience.get("exclude"):
            parse_audience(
                session, audience if audience.get("include") else audience | {"include": audience["exclude"]}
            )
        variables = file.variables.model_dump(exclude_none=True, exclude_defaults=True)
        if problems := unknown_names(session, variables):
            raise OperatorError("{problems}", problems="; ".join(problems))
        audience, variables = spell_tags(session, audience), spell_tags(session, variables)
        opt_out_buttons = _opt_out_buttons(file, template)
    media = _media(rt, file.media.header, number, template, directory, now)
    if template is not None:
        wrong = [problem.line for problem in mapping_problems(template, variables, media) if not problem.is_gap]
        if wrong:
            raise OperatorError("{problems}", problems="; ".join(wrong))
    per_hour = file.pace.per_hour if file.pace else None
    return {
        "name": file.name,
        "number_id": number.id if number else None,
        "template_id": template.id if template else None,
        "flow_id": flow_id,
        "audience": audience,
        "variables": variables,
        "media": media,
        "opt_out_buttons": opt_out_buttons,
        "pace_per_hour": per_hour,
        "pace_per_second": None if per_hour else (file.pace.per_second if file.pace else DEFAULT_PER_SECOND),
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


def _template(session: Session, file: CampaignFile, number: Number | None) -> Template | None:
    if file.template is None:
        return None
    name, language = file.template.name, file.template.language
    template = find_template(session, number, name, language)
    if template is None and number is None:
        raise OperatorError(
            "template={name} ({language}): needs a number, since several accounts or none have such a template",
            name=name,
            language=language,
        )
    if template is None and number is not None:
        query = select(Template).where(Template.waba_id == number.waba_id, Template.name == name)
        languages = ", ".join(session.scalars(query.with_only_columns(Template.language)))
        hint = f"it is there in {languages}" if languages else "read them again with flask templates sync"
        raise OperatorError(
            "template={name} ({language}): there is no such template for this number; {hint}",
            name=name,
            language=language,
            hint=hint,
        )
    return template


def find_template(session: Session, number: Number | None, name: str, language: str) -> Template | None:
    """The template of the number's account; without a number that of the only account that has it. None if there is none."""
    query = select(Template).where(Template.name == name, Template.language == language)
    if number is not None:
        return session.scalars(query.where(Template.waba_id == number.waba_id)).first()
    templates = session.scalars(query.limit(2)).all()
    return templates[0] if len(templates) == 1 else None


def _opt_out_buttons(file: CampaignFile, template: Template | None) -> list[str] | None:
    if file.opt_out_buttons is None:
        return None
    places = sorted(set(file.opt_out_buttons))
    problem = opt_out_buttons_problem(template.components, places) if template else None
    if problem:
        raise OperatorError("{problem}", problem=problem)
    return places


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
    header = medium.model_dump(exclude_none=True)
    if medium.file is None and medium.sha256 is None:
        return {"header": header}
    if number is None:
        raise OperatorError("media: needs a number, since uploads belong to it")
    if medium.sha256 is not None:
        return {"header": {"sha256": medium.sha256, "file": _uploaded_file_name(rt, number.id, medium.sha256)}}
    header_format = media_format(template) if template else None
    if header_format is None:
        raise OperatorError("media: the template's header takes no media")
    if directory is None:
        raise OperatorError("media.header.file: allowed on the command line alone; upload the file instead")
    path = directory / str(medium.file)
    return {"header": {"sha256": store_file(rt, number.id, path, header_format, now), "file": path.name}}


def _uploaded_file_name(rt: Runtime, number_id: int, sha256: str) -> str:
    with rt.database.read() as session:
        query = select(MediaHandle.file_name).where(MediaHandle.number_id == number_id, MediaHandle.sha256 == sha256)
        name = session.scalars(query).first()
    if name is None:
        raise OperatorError("media.header.sha256={sha256}: there is no such upload for this number", sha256=sha256)
    return name


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
