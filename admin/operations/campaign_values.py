"""Resolves what a campaign file names (number, template, bot flow, media) into the columns of a campaign."""

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.operations.campaign_file import CampaignFile, MessageParts
from admin.operations.campaign_languages import campaign_languages, refuse_misfits
from admin.operations.campaign_media import MediaResolver
from jobs.core.runtime import Runtime
from models.audience.audience import complete_contacts, parse_audience
from models.billing.amount import read_amount
from models.billing.max_price import has_max_price
from models.errors import OperatorError
from models.segments.references import spell_tags
from models.tables.campaign import DEFAULT_PER_SECOND, Campaign
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.template import Template
from models.templates.content import COLUMNS, MessageContent
from models.templates.languages import plain_language
from models.templates.opt_out_buttons import opt_out_buttons_problem
from models.templates.variables import unknown_names


def campaign_values(
    rt: Runtime, file: CampaignFile, directory: Path | None, now: datetime, actor: str
) -> dict[str, Any]:
    """Return the values of the campaign's columns, with every name resolved.

    `directory`: where `media.header.file` is looked up; None forbids such a file. Raises OperatorError if something that the file
    names does not exist, or does not fit the template.
    """
    with rt.database.read() as session:
        number = _number(session, file.number)
        template = _template(session, file, number)
        flow_id = _flow_id(session, file.flow)
        audience = complete_contacts(file.audience or {}, rt.settings.default_country)
        if audience.get("include") or audience.get("exclude"):
            parse_audience(
                session, audience if audience.get("include") else audience | {"include": audience["exclude"]}
            )
        languages = campaign_languages(session, file, template)
        written = spelled_content(session, file)
        by_language = {
            code: spelled_content(session, file.by_language[given]) for given, code in languages.spelled.items()
        }
        audience = spell_tags(session, audience)
        opt_out_buttons = _opt_out_buttons(file, template)
        price = _max_price(file, number, template)
    resolve = MediaResolver(rt, template, directory, now, actor)
    content = resolve.content(file, written)
    own = {
        code: resolve.content(file.by_language[given], by_language[code]) for given, code in languages.spelled.items()
    }
    parts = {
        "variables": content.variables,
        "media": content.media,
        "content": content.content_column(),
        **languages.columns(own),
    }
    if template is not None:
        refuse_misfits(rt, Campaign(template_id=template.id, **parts), now)
    per_hour = file.pace.per_hour if file.pace else None
    return {
        "name": file.name,
        "number_id": number.id if number else None,
        "template_id": template.id if template else None,
        "flow_id": flow_id,
        "audience": audience,
        **parts,
        "opt_out_buttons": opt_out_buttons,
        **price,
        "retry": file.retry.model_dump(exclude_none=True) if file.retry else None,
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


def _max_price(file: CampaignFile, number: Number | None, template: Template | None) -> dict[str, Any]:
    if file.max_price is None:
        return {"max_price": None, "max_price_currency": None}
    amount, currency = read_amount(file.max_price.amount, "max_price.amount"), file.max_price.currency
    if template is not None and not has_max_price(template):
        raise OperatorError("max_price: template {name} has no maximum price that it could scale", name=template.name)
    billed_in = number.waba.currency if number is not None else None
    if billed_in is not None and billed_in != currency:
        raise OperatorError(
            "max_price.currency={currency}: allowed is {billed_in}, in which Meta bills the account",
            currency=currency,
            billed_in=billed_in,
        )
    return {"max_price": amount, "max_price_currency": currency}


def _flow_id(session: Session, name: str | None) -> int | None:
    if name is None:
        return None
    flow_id = session.scalars(select(Flow.id).where(Flow.name == name)).first()
    if flow_id is None:
        known = ", ".join(session.scalars(select(Flow.name).order_by(Flow.name).limit(10))) or "none yet"
        raise OperatorError("flow={name}: there is no such bot flow; there are: {known}", name=name[:100], known=known)
    return flow_id


def spelled_content(session: Session, file: MessageParts) -> MessageContent:
    """The content as the file has it, with tags in their own spelling. Raises OperatorError if it names what does not exist."""
    content = written_content(file)
    if problems := unknown_names(session, content):
        raise OperatorError("{problems}", problems="; ".join(problems))
    columns = spell_tags(session, {"variables": content.variables, "content": content.content_column()})
    return MessageContent.from_columns(columns["variables"], content.media, columns["content"])


def written_content(file: MessageParts) -> MessageContent:
    """The content as the file has it: its media are not resolved."""
    parts = file.model_dump(exclude_none=True, exclude_defaults=True, include={"variables", "media", *COLUMNS})
    return MessageContent.from_columns(parts.get("variables", {}), parts.get("media", {}), parts)
