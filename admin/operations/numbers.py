"""Adds a number of ours (checks its token at Meta, subscribes its account to webhooks), resumes one and changes its speed."""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.management import GraphAdmin, GraphError
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.core.wake_ups import SERVE_NUMBER
from jobs.maintenance.meta_sync import put_number_fields
from models.clock import utcnow
from models.config import Settings
from models.config_values import LOOPBACK
from models.contacts.phone import NotAPhoneError, read_phone
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.number import Number, Portfolio, Waba

_META_HOST = "graph.facebook.com"


MAX_PER_SECOND = 1000
log = logging.getLogger("hark.numbers")


@dataclass(frozen=True)
class AddedNumber:
    """A number that was added, or updated if it existed (`is_new` is False)."""

    id: int
    is_new: bool
    phone_number_id: str
    waba_id: str
    display_phone: str | None
    status: str
    quality: str
    webhooks: str
    """The sentence of `webhook_state`."""

    def to_json(self) -> dict[str, Any]:
        """The fields, as the command line prints them."""
        return asdict(self)


@dataclass(frozen=True)
class _MetaRecord:
    fields: dict[str, Any]
    account: dict[str, Any]
    apps: list[dict[str, Any]]


@retry_conflicts
def add_number(
    rt: Runtime, *, name: str, phone_number_id: str, waba_id: str, display_phone: str | None, token: str, actor: str
) -> AddedNumber:
    """Add a number, or give an existing one a new name and token.

    Raises OperatorError if a value is wrong or Meta does not list the number in the WABA, GraphError if Meta refuses the token or
    cannot be asked. Then nothing was stored.
    """
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise OperatorError("name: allowed are 1 to 200 characters")
    for option, text in (("phone-number-id", phone_number_id), ("waba-id", waba_id)):
        if not text.isascii() or not text.isdigit() or len(text) > 64:
            raise OperatorError(
                "{option}={text}: allowed are the digits of an id of Meta's", option=option, text=text[:64]
            )
    new_phone = _display_phone(display_phone)
    record = _ask_meta(rt.settings, phone_number_id, waba_id, token)
    encrypted, now = rt.vault.encrypt(token), utcnow()
    with rt.database.write() as session:
        waba = _account(session, waba_id, record, now)
        number = session.scalars(select(Number).where(Number.phone_number_id == phone_number_id)).first()
        is_new = number is None
        if number is None:
            number = Number(phone_number_id=phone_number_id, waba=waba, created_at=now)
            session.add(number)
        number.waba, number.name, number.access_token = waba, name, encrypted
        number.display_phone = new_phone or number.display_phone
        put_number_fields(number, record.fields, now)
        if is_new is False:
            number.stopped_at = number.stopped_reason = None  # it may have been stopped because of its old token
        session.flush()
        record_audit(
            session,
            now,
            actor,
            AuditAction.ADD if is_new else AuditAction.UPDATE,
            "number",
            number.id,
            phone_number_id=phone_number_id,
        )
        return AddedNumber(
            number.id, is_new, phone_number_id, waba_id, number.display_phone, number.status, number.quality,
            webhook_state(rt.settings, record.apps),
        )  # fmt: skip


def webhook_state(settings: Settings, apps: list[dict[str, Any]]) -> str:
    """A sentence on whether the account's webhooks can arrive here, judged by `apps` (its subscriptions) and the settings."""
    ids = {str((app.get("whatsapp_business_api_data") or app).get("id")) for app in apps}
    if not apps or (settings.meta_app_id and settings.meta_app_id not in ids):
        return "not subscribed: Meta does not list this app for the account, so no webhook arrives"
    if not settings.meta_app_secrets:
        return "subscribed, but every webhook will be refused: META_APP_SECRET is not set"
    public = urlsplit(settings.public_url)
    if urlsplit(settings.graph_api_url).hostname == _META_HOST and (
        public.scheme != "https" or public.hostname in LOOPBACK
    ):
        return f"subscribed, but Meta reaches https addresses alone and PUBLIC_URL is {settings.public_url}"
    return f"subscribed: they arrive once the app's callback URL is {settings.public_url}/webhooks/whatsapp"


def _ask_meta(settings: Settings, phone_number_id: str, waba_id: str, token: str) -> _MetaRecord:
    secret = settings.meta_app_secrets[0] if settings.meta_app_secrets else None
    with GraphAdmin(settings.graph_api_url, settings.graph_api_version, token, app_secret=secret) as graph:
        fields = graph.number(phone_number_id)
        if phone_number_id not in {str(item.get("id")) for item in graph.numbers_of(waba_id)}:
            raise OperatorError(
                "phone-number-id={phone_number_id}: Meta does not list it in WABA {waba_id}",
                phone_number_id=phone_number_id,
                waba_id=waba_id,
            )
        try:
            account = graph.account(waba_id)
        except GraphError:
            account = {}  # a token may send without being allowed to read the account's owner
        graph.subscribe_app(waba_id)
        return _MetaRecord(fields, account, graph.subscribed_apps(waba_id))


def _account(session: Session, waba_id: str, record: _MetaRecord, now: datetime) -> Waba:
    waba = session.scalars(select(Waba).where(Waba.waba_id == waba_id)).first()
    owner = record.account.get("owner_business_info")
    portfolio_id = str(owner["id"]) if isinstance(owner, dict) and owner.get("id") else None
    if waba is None:
        waba = Waba(waba_id=waba_id, portfolio=_portfolio(session, portfolio_id))
        session.add(waba)
    elif waba.portfolio.meta_id is None and portfolio_id:
        waba.portfolio.meta_id = portfolio_id
    waba.name = str(record.account.get("name") or waba.name or "")
    waba.subscribed_at = now if record.apps else None
    session.flush()
    return waba


def _portfolio(session: Session, meta_id: str | None) -> Portfolio:
    portfolio = session.scalars(select(Portfolio).where(Portfolio.meta_id == meta_id)).first() if meta_id else None
    if portfolio is None:
        portfolio = Portfolio(meta_id=meta_id)
        session.add(portfolio)
    return portfolio


def _display_phone(text: str | None) -> str | None:
    if not text:
        return None
    try:
        phone = read_phone(text, None)
    except NotAPhoneError as error:
        raise OperatorError("display-phone: {error}", error=error) from None
    if phone.problem:
        raise OperatorError(
            "display-phone={text}: allowed is a number with its calling code, such as +34600000000", text=text
        )
    return phone.e164


@retry_conflicts
def resume_number(rt: Runtime, number_id: int, actor: str) -> None:
    """Let a stopped or held number send again. Raises OperatorError if it is neither, or there is no such number."""
    now = utcnow()
    with rt.database.write() as session:
        number = session.get(Number, number_id)
        if number is None:
            raise OperatorError("number {number_id}: there is no such number", number_id=number_id)
        if number.stopped_at is None and (number.held_until is None or number.held_until <= now):
            raise OperatorError("{number_name} is not stopped.", number_name=number.name)
        number.stopped_at = number.stopped_reason = number.held_until = None
        record_audit(session, now, actor, AuditAction.RESUME, "number", number_id)
    try:
        SERVE_NUMBER.enqueue(rt.redis, number_id)
    except RedisError as error:
        log.warning(
            "number %d: no wake-up for its senders (%s); the schedule makes one", number_id, type(error).__name__
        )


@retry_conflicts
def change_speed(rt: Runtime, number_id: int, per_second: int | None, actor: str) -> None:
    """Set how many messages per second this number does, inbound and outbound together; None: as Meta says (docs/meta.md §4.1).

    Running campaigns and replies follow within seconds. Raises OperatorError if it is out of range or there is no such number.
    """
    if per_second is not None and not 1 <= per_second <= MAX_PER_SECOND:
        raise OperatorError(
            "per-second={per_second}: allowed are 1 to {max_per_second}",
            per_second=per_second,
            max_per_second=MAX_PER_SECOND,
        )
    with rt.database.write() as session:
        number = session.get(Number, number_id)
        if number is None:
            raise OperatorError("number {number_id}: there is no such number", number_id=number_id)
        number.messages_per_second = per_second
        shown = "as Meta says" if per_second is None else per_second
        record_audit(session, utcnow(), actor, AuditAction.CHANGE_SPEED, "number", number_id, per_second=shown)
