"""Reading our side at Meta again: templates of an account, fields of a number.

Jobs by id, and the same for whoever has a runtime at hand. What an event said later than our reading stays: the rows keep
Meta's time (`status_at`, `state_at`), and a reading counts as of the moment at which it was asked for.
"""

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.meta.management import GraphAdmin, GraphError
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import SYNC_NUMBER, SYNC_TEMPLATES
from models.campaigns.pause import lift_account
from models.clock import utcnow
from models.tables.number import UNLIMITED, Number, Waba
from models.tables.template import Template

log = logging.getLogger("hark.sync")

# meta-cloud-api.md 4.3; a tier that nobody has heard of means: ask again.
TIERS = {"TIER_50": 50, "TIER_250": 250, "TIER_1K": 1000, "TIER_2K": 2000, "TIER_10K": 10_000, "TIER_100K": 100_000}
SYNC_AGAIN = timedelta(hours=1)
NUMBER_AGAIN = timedelta(minutes=10)


@dataclass
class SyncResult:
    """What a reading of templates changed."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    missing: int = 0
    """Known here and no longer listed by Meta."""

    def add(self, other: "SyncResult") -> None:
        """Count another account's in."""
        for name, count in asdict(other).items():
            setattr(self, name, getattr(self, name) + count)

    def to_json(self) -> dict[str, int]:
        """For the command line."""
        return asdict(self)


def management_client(rt: Runtime, number: Number) -> GraphAdmin:
    """The management API with a number's token. WrongKey where the token was encrypted with a key that is gone."""
    secrets = rt.settings.meta_app_secrets
    return GraphAdmin(
        rt.settings.graph_api_url,
        rt.settings.graph_api_version,
        rt.vault.decrypt(number.access_token),
        app_secret=secrets[0] if secrets else None,
    )


def sync_templates(waba_pk: int) -> None:
    """The job: every template of an account. A Graph API that is away is logged; the next round tries again."""
    rt = runtime()
    SYNC_TEMPLATES.started(rt.redis, waba_pk)
    try:
        read_templates(rt, waba_pk, utcnow())
    except GraphError as error:
        log.warning("templates of account %s: %s", waba_pk, error)


def sync_number(number_pk: int) -> None:
    """The job: one number's fields."""
    rt = runtime()
    SYNC_NUMBER.started(rt.redis, number_pk)
    try:
        read_number(rt, number_pk, utcnow())
    except GraphError as error:
        log.warning("number %s: %s", number_pk, error)


def read_templates(rt: Runtime, waba_pk: int, now: datetime, name: str | None = None) -> SyncResult:
    """Take over Meta's templates of an account, or of one name. GraphError; LookupError for an account without a number."""
    with rt.database.read() as session:
        number = session.scalars(select(Number).where(Number.waba_id == waba_pk).order_by(Number.id)).first()
        if number is None:
            raise LookupError(f"account {waba_pk} has no number")
        waba_id = number.waba.waba_id
    with management_client(rt, number) as graph:
        listed = graph.templates(waba_id, name)
    with rt.database.write() as session:
        result = _take_over(session, waba_pk, listed, now, name)
        if name is None:
            session.execute(update(Waba).where(Waba.id == waba_pk).values(templates_synced_at=now))
    return result


def read_number(rt: Runtime, number_pk: int, now: datetime) -> Number:
    """Take over Meta's fields of a number, and its portfolio's messaging limit. GraphError."""
    with rt.database.read() as session:
        number = session.get_one(Number, number_pk)
    with management_client(rt, number) as graph:
        fields = graph.number(number.phone_number_id)
    with rt.database.write() as session:
        waba = _lock_account(session, number_pk)
        number = session.get_one(Number, number_pk)
        put_number_fields(number, fields, now)
        if _can_send(fields):
            lift_account(session, waba, now, utcnow())
        _ = number.waba.portfolio  # loaded for the caller, who has no session
    return number


def _lock_account(session: Session, number_pk: int) -> Waba:
    """The account before its numbers, as whoever applies events does it."""
    statement = select(Waba).join(Number, Number.waba_id == Waba.id).where(Number.id == number_pk)
    fresh = {"populate_existing": True}
    return session.scalars(statement.with_for_update(of=Waba), execution_options=fresh).one()


def _can_send(fields: dict[str, Any]) -> bool:
    """Whether Meta says that nothing stands in the way: of the number, and of the account behind it."""
    health = fields.get("health_status")
    if not isinstance(health, dict) or fields.get("status") != "CONNECTED":
        return False
    entities = [entity for entity in health.get("entities") or () if isinstance(entity, dict)]
    return all(part.get("can_send_message") == "AVAILABLE" for part in (health, *entities))


def put_number_fields(number: Number, fields: dict[str, Any], now: datetime) -> None:
    """Write what Meta said about a number into its row. A figure that is missing changes nothing."""
    number.display_phone = fields.get("display_phone_number") or number.display_phone
    number.verified_name = fields.get("verified_name") or number.verified_name
    number.quality = fields.get("quality_rating") or number.quality
    throughput = fields.get("throughput")
    if isinstance(throughput, dict) and throughput.get("level"):
        number.throughput = str(throughput["level"])
    if fields.get("status") and (number.state_at is None or number.state_at <= now):
        number.status = str(fields["status"])
    number.read_at = now
    tier = fields.get("whatsapp_business_manager_messaging_limit")
    limit = UNLIMITED if tier == "TIER_UNLIMITED" else TIERS.get(str(tier))
    known_at = number.waba.portfolio.limit_read_at
    if limit is not None and (known_at is None or known_at <= now):
        number.waba.portfolio.messaging_limit = limit
        number.waba.portfolio.limit_read_at = now


def _take_over(
    session: Session, waba_pk: int, listed: Iterable[dict[str, Any]], now: datetime, name: str | None
) -> SyncResult:
    mine = select(Template).where(Template.waba_id == waba_pk)
    known = {
        (template.name, template.language): template
        for template in session.scalars(mine if name is None else mine.where(Template.name == name))
    }
    result = SyncResult()
    for item in listed:
        if not isinstance(item.get("name"), str) or not isinstance(item.get("language"), str):
            continue
        template = known.pop((item["name"], item["language"]), None)
        if template is None:
            session.add(_fill(Template(waba_id=waba_pk, created_at=now), item, now))
            result.created += 1
        else:
            before = _facts(template)
            _fill(template, item, now)
            changed = _facts(template) != before
            result.updated += changed
            result.unchanged += not changed
    for template in known.values():
        template.missing_at = template.missing_at or now
        template.status = "DELETED"
        result.missing += 1
    return result


def _fill(template: Template, item: dict[str, Any], now: datetime) -> Template:
    quality = item.get("quality_score")
    template.meta_id = str(item["id"]) if item.get("id") else template.meta_id
    template.name, template.language = item["name"], item["language"]
    template.category = str(item.get("category") or "UNKNOWN").upper()
    template.correct_category = item.get("correct_category")
    template.parameter_format = str(item.get("parameter_format") or "POSITIONAL").upper()
    template.components = item.get("components") or []
    template.quality = str((quality.get("score") if isinstance(quality, dict) else None) or "UNKNOWN")
    template.rejected_reason = item.get("rejected_reason")
    if template.status_at is None or template.status_at <= now:
        template.status = str(item.get("status") or "UNKNOWN").upper()
    template.synced_at = now
    template.missing_at = None
    if template.stale_at is not None and template.stale_at <= now:
        template.stale_at = None
    return template


def _facts(template: Template) -> tuple[Any, ...]:
    return (
        template.meta_id, template.category, template.correct_category, template.parameter_format, template.components,
        template.quality, template.rejected_reason, template.status, template.missing_at,
    )  # fmt: skip


def wake_syncs(rt: Runtime, now: datetime) -> int:
    """Wake a reading of every account and number that was not read for long; how many were woken.

    Events tell of changes at once; this is for those that never came. A reading asked for is noted only when it worked, so a
    Graph API that is away is asked again at each round.
    """
    with rt.database.read() as session:
        accounts = session.scalars(
            select(Waba.id).where(
                Waba.id.in_(select(Number.waba_id)),
                Waba.templates_synced_at.is_(None) | (Waba.templates_synced_at < now - SYNC_AGAIN),
            )
        ).all()
        numbers = session.scalars(
            select(Number.id).where(Number.read_at.is_(None) | (Number.read_at < now - NUMBER_AGAIN))
        ).all()
    made = [SYNC_TEMPLATES.enqueue(rt.redis, pk) for pk in accounts]
    made += [SYNC_NUMBER.enqueue(rt.redis, pk) for pk in numbers]
    return sum(made)
