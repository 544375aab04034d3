"""Resolves what a campaign file names (number, template, bot flow, media) into the columns of a campaign."""

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.operations.campaign_file import CampaignFile, Medium
from admin.operations.campaign_languages import campaign_languages, refuse_misfits, refuse_unknown_names
from admin.operations.media import store_file
from jobs.core.runtime import Runtime
from models.audience.audience import complete_contacts, parse_audience
from models.errors import OperatorError
from models.segments.references import spell_tags
from models.tables.campaign import DEFAULT_PER_SECOND, Campaign
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.template import MediaHandle, Template
from models.templates.languages import plain_language
from models.templates.opt_out_buttons import opt_out_buttons_problem
from models.templates.variables import media_format


def campaign_values(rt: Runtime, file: CampaignFile, directory: Path | None, now: datetime) -> dict[str, Any]:
    """Return the values of the campaign's columns, with every name resolved.

    `directory`: where `media.header.file` is looked up; None forbids such a file. Raises OperatorError if something that the file
    names does not exist, or does not fit the template.
    """
    with rt.database.read() as session:
        number = _number(session, file.number)
        template = _template(session, file, number)
        languages = campaign_languages(session, file, template)
        flow_id = _flow_id(session, file.flow)
        audience = complete_contacts(file.audience or {}, rt.settings.default_country)
        if audience.get("include") or audience.get("exclude"):
            parse_audience(
                session, audience if audience.get("include") else audience | {"include": audience["exclude"]}
            )
        variables = file.variables.model_dump(exclude_none=True, exclude_defaults=True)
        refuse_unknown_names(session, variables)
        audience, variables = spell_tags(session, audience), spell_tags(session, variables)
        opt_out_buttons = _opt_out_buttons(file, template)
    media = _media(rt, file.media.header, number, template, directory, now)
    for language, values in file.by_language.items():
        header = _media(rt, values.media.header, number, template, directory, now)
        languages.put_media(language, header)
    content = {"variables": variables, "media": media, **languages.columns()}
    if template is not None:
        refuse_misfits(rt, Campaign(template_id=template.id, **content))
    per_hour = file.pace.per_hour if file.pace else None
    return {
        "name": file.name,
        "number_id": number.id if number else None,
        "template_id": template.id if template else None,
        "flow_id": flow_id,
        "audience": audience,
        **content,
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
    name, language = file.template.name, file.template.first
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
    is_language = func.lower(Template.language) == plain_language(language)
    query = select(Template).where(Template.name == name, is_language)
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
