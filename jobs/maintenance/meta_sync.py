"""Reads the templates of an account and the fields of a number from Meta again, and stores them.

Each exists as a job by id and as a function for callers that have a runtime. A reading counts as of the moment at which it was
requested: a change that a webhook reported later is kept (`status_at`, `state_at` hold Meta's time).
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.meta.management import GraphAdmin, GraphError
from bot.opt_out_words import is_certain_stop
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import SYNC_NUMBER, SYNC_TEMPLATES
from jobs.maintenance.sync_counts import SyncCounts
from models.campaigns.pause import lift_account, lift_number
from models.campaigns.template_changes import TemplateReading, pause_for_reading
from models.clock import utcnow
from models.errors import OperatorError
from models.sending.number_rate import put_throughput
from models.tables.audit import META
from models.tables.number import UNLIMITED, Number, Waba
from models.tables.template import Template
from models.tables.template_life import TemplateEventKind
from models.templates.drafts import adopt_draft, settle_lost_edits
from models.templates.former_texts import TemplateText, keep_former_text
from models.templates.life import DRAFT, TemplateState, record_changes, record_event
from models.templates.opt_out_buttons import recognize_opt_out_buttons

log = logging.getLogger("hark.sync")

# docs/meta.md §4.3. A tier that is missing here leaves the stored limit as it is.
TIERS = {"TIER_50": 50, "TIER_250": 250, "TIER_1K": 1000, "TIER_2K": 2000, "TIER_10K": 10_000, "TIER_100K": 100_000}
MAX_TTL_SECONDS = 2**31
TEMPLATES_MAX_AGE = timedelta(hours=1)
NUMBER_MAX_AGE = timedelta(minutes=10)


@dataclass
class SyncResult(SyncCounts):
    """How many templates a reading created, changed, left as they were, or no longer found."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    missing: int = 0
    """Stored here and no longer listed by Meta."""


def management_client(rt: Runtime, number: Number) -> GraphAdmin:
    """The management API with a number's token. Raises WrongKeyError if the token was encrypted with another key."""
    secrets = rt.settings.meta_app_secrets
    return GraphAdmin(
        rt.settings.graph_api_url,
        rt.settings.graph_api_version,
        rt.vault.decrypt(number.access_token),
        app_secret=secrets[0] if secrets else None,
    )


def sync_templates(waba_pk: int) -> None:
    """The job: reads every template of an account. A Graph API error is logged; the next round tries again."""
    rt = runtime()
    SYNC_TEMPLATES.started(rt.redis, waba_pk)
    try:
        read_templates(rt, waba_pk, utcnow())
    except GraphError as error:
        log.warning("templates of account %s: %s", waba_pk, error)


def sync_number(number_pk: int) -> None:
    """The job: reads one number's fields. A Graph API error is logged; the next round tries again."""
    rt = runtime()
    SYNC_NUMBER.started(rt.redis, number_pk)
    try:
        read_number(rt, number_pk, utcnow())
    except GraphError as error:
        log.warning("number %s: %s", number_pk, error)


@retry_conflicts
def read_templates(rt: Runtime, waba_pk: int, now: datetime, name: str | None = None) -> SyncResult:
    """Store Meta's templates of an account, or only those of one name (docs/meta.md §5.1).

    Raises GraphError if Meta refuses or cannot be reached, and LookupError if the account has no number.
    """
    with rt.database.read() as session:
        number = session.scalars(select(Number).where(Number.waba_id == waba_pk).order_by(Number.id)).first()
        if number is None:
            raise LookupError(f"account {waba_pk} has no number")
        waba_id = number.waba.waba_id
    with management_client(rt, number) as graph:
        listed = graph.templates(waba_id, name)
    with rt.database.write() as session:
        result = _store_templates(session, waba_pk, listed, now, name)
        if name is None:
            session.execute(update(Waba).where(Waba.id == waba_pk).values(templates_synced_at=now))
    return result


@retry_conflicts
def read_number(rt: Runtime, number_pk: int, now: datetime) -> Number:
    """Store Meta's fields of a number and its portfolio's messaging limit (docs/meta.md §4.3).

    Lifts a restriction of the account and of the number if Meta says that the number can send. Raises OperatorError if
    there is no such number, GraphError if Meta refuses or cannot be reached.
    """
    with rt.database.read() as session:
        number = session.get(Number, number_pk)
    if number is None:
        raise OperatorError("number {number_id}: there is no such number", number_id=number_pk)
    with management_client(rt, number) as graph:
        fields = graph.number(number.phone_number_id)
    with rt.database.write() as session:
        waba = _lock_account(session, number_pk)
        number = session.get_one(Number, number_pk)
        put_number_fields(number, fields, now)
        if _can_send(fields):
            lift_account(session, waba, now, utcnow())
            lift_number(session, number, now, utcnow())
        _ = number.waba.portfolio  # loaded for the caller, which has no session
    return number


def _lock_account(session: Session, number_pk: int) -> Waba:
    """Lock the account before its numbers: the same order as in applying events."""
    statement = select(Waba).join(Number, Number.waba_id == Waba.id).where(Number.id == number_pk)
    fresh = {"populate_existing": True}
    return session.scalars(statement.with_for_update(of=Waba), execution_options=fresh).one()


def _can_send(fields: dict[str, Any]) -> bool:
    """Whether Meta reports neither the number nor the account behind it as blocked."""
    health = fields.get("health_status")
    if not isinstance(health, dict) or fields.get("status") != "CONNECTED":
        return False
    entities = [entity for entity in health.get("entities") or () if isinstance(entity, dict)]
    return all(part.get("can_send_message") == "AVAILABLE" for part in (health, *entities))


def put_number_fields(number: Number, fields: dict[str, Any], now: datetime) -> None:
    """Write Meta's fields of a number into its row. A field that is missing leaves the stored value."""
    number.display_phone = fields.get("display_phone_number") or number.display_phone
    number.verified_name = fields.get("verified_name") or number.verified_name
    number.quality = fields.get("quality_rating") or number.quality
    throughput = fields.get("throughput")
    is_later = number.throughput_at is None or number.throughput_at <= now
    if is_later and isinstance(throughput, dict) and throughput.get("level"):
        put_throughput(number, str(throughput["level"])[:32])
    if fields.get("status") and (number.state_at is None or number.state_at <= now):
        number.status = str(fields["status"])
    number.read_at = now
    tier = fields.get("whatsapp_business_manager_messaging_limit")
    limit = UNLIMITED if tier == "TIER_UNLIMITED" else TIERS.get(str(tier))
    stored_at = number.waba.portfolio.limit_read_at
    if limit is not None and (stored_at is None or stored_at <= now):
        number.waba.portfolio.messaging_limit = limit
        number.waba.portfolio.limit_read_at = now


def _store_templates(
    session: Session, waba_pk: int, listed: Iterable[dict[str, Any]], now: datetime, name: str | None
) -> SyncResult:
    query = select(Template).where(Template.waba_id == waba_pk)
    stored = {
        (template.name, template.language): template
        for template in session.scalars(query if name is None else query.where(Template.name == name))
    }
    result = SyncResult()
    for item in listed:
        if not isinstance(item.get("name"), str) or not isinstance(item.get("language"), str):
            continue
        template = stored.pop((item["name"], item["language"]), None)
        if template is None:
            template = fill_template(Template(waba_id=waba_pk, created_at=now), item, now)
            session.add(template)
            session.flush()
            record_changes(session, template, TemplateState(), now, META)
            result.created += 1
        else:
            before, state = _compared_fields(template), TemplateState.of(template)
            reading = TemplateReading.of(template)
            if template.status == DRAFT:
                adopt_draft(session, template, now)
            fill_template(template, item, now)
            record_changes(session, template, state, now, META)
            session.flush()
            pause_for_reading(session, template, reading, utcnow())
            changed = _compared_fields(template) != before
            result.updated += changed
            result.unchanged += not changed
    session.flush()
    settle_lost_edits(session, waba_pk, now)
    for template in stored.values():
        if template.status == DRAFT or _is_later(template, now):
            continue
        if template.status != "DELETED":
            record_event(
                session, template, TemplateEventKind.STATUS, now, META, before=template.status, after="DELETED"
            )
        reading = TemplateReading.of(template)
        template.missing_at = template.missing_at or now
        template.status = "DELETED"
        session.flush()
        pause_for_reading(session, template, reading, utcnow())
        result.missing += 1
    return result


def _is_later(template: Template, now: datetime) -> bool:
    """Whether it was submitted after the list was requested."""
    return any(at is not None and at > now for at in (template.synced_at, template.status_at))


def fill_template(template: Template, item: dict[str, Any], now: datetime) -> Template:
    """Write a template as Meta lists it into its row; `now` is when it was asked. A status that it reported later is kept."""
    quality, before = item.get("quality_score"), TemplateText.of(template)
    template.meta_id = str(item["id"]) if item.get("id") else template.meta_id
    template.name, template.language = item["name"], item["language"]
    template.category = str(item.get("category") or "UNKNOWN").upper()
    template.correct_category = item.get("correct_category")
    template.parameter_format = str(item.get("parameter_format") or "POSITIONAL").upper()
    template.components = item.get("components") or []
    template.opt_out_buttons = recognize_opt_out_buttons(template.components, is_certain_stop)
    template.quality = str((quality.get("score") if isinstance(quality, dict) else None) or "UNKNOWN")
    template.rejected_reason = item.get("rejected_reason")
    spec, ttl = item.get("optimization_spec"), item.get("message_send_ttl_seconds")
    template.optimization_spec = spec if isinstance(spec, dict) and spec else None
    template.message_send_ttl_seconds = ttl if isinstance(ttl, int) and abs(ttl) < MAX_TTL_SECONDS else None
    if template.status_at is None or template.status_at <= now:
        template.status = str(item.get("status") or "UNKNOWN").upper()
    template.synced_at = now
    template.missing_at = None
    keep_former_text(template, before, now)
    if template.stale_at is not None and template.stale_at <= now:
        template.stale_at = None
    return template


def _compared_fields(template: Template) -> tuple[Any, ...]:
    return (
        template.meta_id, template.category, template.correct_category, template.parameter_format, template.components,
        template.quality, template.rejected_reason, template.status, template.missing_at, template.optimization_spec,
        template.message_send_ttl_seconds,
    )  # fmt: skip


def wake_syncs(rt: Runtime, now: datetime) -> int:
    """Enqueue a reading of every account and number whose last reading is too old; returns how many.

    Webhooks report changes at once; this covers those that never arrived. The time of a reading is stored only if it succeeded,
    so a Graph API that cannot be reached is asked again at each round.
    """
    with rt.database.read() as session:
        accounts = session.scalars(
            select(Waba.id).where(
                Waba.id.in_(select(Number.waba_id)),
                Waba.templates_synced_at.is_(None) | (Waba.templates_synced_at < now - TEMPLATES_MAX_AGE),
            )
        ).all()
        numbers = session.scalars(
            select(Number.id).where(Number.read_at.is_(None) | (Number.read_at < now - NUMBER_MAX_AGE))
        ).all()
    enqueued = [SYNC_TEMPLATES.enqueue(rt.redis, pk) for pk in accounts]
    enqueued += [SYNC_NUMBER.enqueue(rt.redis, pk) for pk in numbers]
    return sum(enqueued)
