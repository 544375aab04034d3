"""Renders the home page: running campaigns, what needs attention, the health of the parts, first steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import AdminIndexView
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from admin.operations.billing import spending_notice
from admin.operations.signals.report import recent_reports
from admin.panel import labels as words
from admin.panel.base import PanelView, page, sentence
from admin.panel.live_stats import live_stats
from bot.webhooks.stream import KEY, Backlog, EventStream
from jobs.core.clock_check import clock_problem
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import BEAT_KEY
from models.billing.balance import BalanceState, read_balance
from models.clock import utcnow
from models.conversations.cases import count_waiting
from models.conversations.possible_opt_outs import count_possible_opt_outs
from models.conversations.unread import count_unread
from models.restore.hold import is_held
from models.sending.messaging_limit import SPAN
from models.stored_texts import show_stored
from models.tables.campaign import LIVE, Campaign, CampaignKind, CampaignStatus, PauseReason
from models.tables.contact import Contact
from models.tables.engagement import LedgerEntry
from models.tables.flow import Flow
from models.tables.number import Number, WabaState
from models.tables.shop import OptOutState, ShopOptOut
from models.tables.template import Template
from models.tables.webhook_event import DeadLetter

PARTS = ("running", "attention", "signals", "health")
BEHIND_SECONDS = 30


@dataclass(frozen=True)
class Attention:
    """Something that needs attention: a sentence and the page to go to."""

    tone: str
    text: str
    url: str


@dataclass(frozen=True)
class Webhooks:
    """The state of incoming webhooks; `backlog` is None if Redis cannot be reached."""

    backlog: Backlog | None
    last_event_at_ms: int | None
    is_read: bool = False
    """Whether a consumer of the events sends heartbeats."""


class HomeView(PanelView, AdminIndexView):
    """The routes of the home page."""

    icon = "home"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The home page."""
        return self.render("panel/home.html", parts=PARTS, **self._context())

    @page("/live")
    def live(self) -> ResponseReturnValue:
        """The parts of the home page as HTML fragments by name."""
        context = self._context()
        return {"parts": {name: render_template(f"panel/home/{name}.html", **context) for name in PARTS}, "done": False}

    def _context(self) -> dict[str, Any]:
        rt, now = self.rt, utcnow()
        webhooks = read_webhooks(rt)
        with rt.database.read() as session:
            running = _running(session)
            numbers = list(session.scalars(select(Number).options(joinedload(Number.waba)).order_by(Number.name)))
            used = {row.portfolio_id: row.count for row in session.execute(_used(now))}
            limits = {number.waba.portfolio_id: number.waba.portfolio.messaging_limit for number in numbers}
            attention = [*_about_clock(rt), *_attention(session, running, numbers, webhooks)]
            steps = _first_steps(session) if not running else []
            signals = recent_reports(session, now)
        stats = live_stats().get(rt, [campaign.id for campaign in running])
        last = webhooks.last_event_at_ms
        return {
            "running": running,
            "stats": stats,
            "numbers": numbers,
            "used": used,
            "limits": limits,
            "webhooks": webhooks,
            "last_event_seconds": max(0.0, now.timestamp() - last / 1000) if last else None,
            "attention": attention,
            "steps": steps,
            "signals": signals,
            "is_behind": webhooks.backlog is not None and webhooks.backlog.seconds > BEHIND_SECONDS,
        }


def read_webhooks(rt: Runtime) -> Webhooks:
    """Read the backlog and when Redis received the newest event, processed or not (milliseconds since 1970)."""
    redis: Any = rt.redis
    try:
        backlog = EventStream(rt.redis, rt.settings.stream_bound).backlog()
        is_read = bool(redis.exists(BEAT_KEY))
        if not redis.exists(KEY):
            return Webhooks(backlog, None, is_read)
        newest = redis.xinfo_stream(KEY)["last-generated-id"]
        text = newest.decode() if isinstance(newest, bytes) else str(newest)
        return Webhooks(backlog, int(text.partition("-")[0]) or None, is_read)
    except (RedisError, OSError):
        return Webhooks(None, None)


def _running(session: Session) -> list[Campaign]:
    query = (
        select(Campaign)
        .where(
            Campaign.status.in_((*LIVE, CampaignStatus.SCHEDULED)),
            Campaign.deleted_at.is_(None),
        )
        .options(joinedload(Campaign.number), joinedload(Campaign.template))
        .order_by(Campaign.kind, Campaign.id.desc())
        .limit(20)
    )
    return list(session.scalars(query))


def _used(now: Any) -> Any:
    return (
        select(LedgerEntry.portfolio_id, func.count().label("count"))
        .where(LedgerEntry.first_at > now - SPAN)
        .group_by(LedgerEntry.portfolio_id)
    )


def _attention(
    session: Session, running: list[Campaign], numbers: list[Number], webhooks: Webhooks
) -> Iterator[Attention]:
    if is_held(session):
        text = "The database was put back from a copy: nothing is sent until you decide what goes on"
        yield Attention("bad", text, url_for("panel_restored.index"))
    yield from _about_events(session, numbers, webhooks)
    yield from _about_campaigns(session, running)
    yield from _about_money(session)
    yield from _about_numbers(numbers)
    yield from _about_shop(session)
    waiting = count_waiting(session)
    if waiting:
        text = f"{waiting} {'person waits' if waiting == 1 else 'people wait'} for an agent"
        yield Attention("info", text, url_for("panel_inbox.index", show="waiting"))
    unread = count_unread(session)
    if unread:
        text = f"{unread} {'conversation has' if unread == 1 else 'conversations have'} unread replies"
        yield Attention("info", text, url_for("panel_inbox.index", show="unread"))
    doubts = count_possible_opt_outs(session)
    if doubts:
        text = f"{doubts} {'person' if doubts == 1 else 'people'} may want to stop"
        yield Attention("warn", text, url_for("panel_inbox.index", show="stop"))


def _about_clock(rt: Runtime) -> Iterator[Attention]:
    if problem := clock_problem(rt):
        text = f"{sentence(str(problem))}: nothing is ended, purged or started by time until the clocks agree"
        yield Attention("bad", text, "")


def _about_events(session: Session, numbers: list[Number], webhooks: Webhooks) -> Iterator[Attention]:
    if webhooks.backlog is None:
        yield Attention("bad", "Redis cannot be reached: nothing is sent and no event is taken in.", "")
    elif numbers and not webhooks.is_read:
        yield Attention("bad", "Nobody reads Meta's events, so sending is held: the ingest process is not running.", "")
    elif webhooks.backlog.seconds > BEHIND_SECONDS:
        yield Attention("warn", "Events from Meta wait longer than they should to be processed.", "")
    dead = session.scalar(select(func.count()).select_from(DeadLetter).where(DeadLetter.replayed_at.is_(None)))
    if dead:
        text = f"{dead} {'event' if dead == 1 else 'events'} could not be processed"
        yield Attention("warn", text, url_for("panel_dead_letters.index"))


def _about_campaigns(session: Session, running: list[Campaign]) -> Iterator[Attention]:
    for campaign in running:
        if campaign.pause_reason is not None and campaign.pause_reason is not PauseReason.OPERATOR:
            text = f"{campaign.name}: {words.PAUSE[campaign.pause_reason][0]}"
            yield Attention("warn", text, url_for("panel_campaigns.show", campaign_id=campaign.id))
    noted = select(Campaign).where(Campaign.note.is_not(None), Campaign.status == CampaignStatus.READY)
    for campaign in session.scalars(noted.where(Campaign.deleted_at.is_(None)).limit(5)):
        text = f"{campaign.name} did not start as scheduled"
        yield Attention("warn", text, url_for("panel_campaigns.show", campaign_id=campaign.id))


def _about_money(session: Session) -> Iterator[Attention]:
    balance = read_balance(session)
    text = spending_notice(balance)
    if balance is not None and text is not None:
        yield Attention("bad" if balance.state is BalanceState.USED_UP else "warn", text, url_for("panel_money.index"))


def _about_shop(session: Session) -> Iterator[Attention]:
    """Opt-outs that failed and wait: the shop's other tools may still write to these people."""
    failed = (ShopOptOut.state == OptOutState.PENDING) & (ShopOptOut.detail != "")
    count = session.scalar(select(func.count()).select_from(ShopOptOut).where(failed))
    if count:
        text = f"{count} {'opt-out' if count == 1 else 'opt-outs'} could not be written to the shop"
        yield Attention("warn", text, url_for("panel_shop.index"))


def _about_numbers(numbers: list[Number]) -> Iterator[Attention]:
    where = url_for("panel_numbers.index")
    for number in numbers:
        if number.stopped_at is not None:
            answers = " Answers go on." if number.answers_go_on else ""
            yield Attention("bad", f"{number.name} is stopped: {show_stored(number.stopped_reason)}{answers}", where)
        elif number.waba.state is not WabaState.OK:
            yield Attention("bad", f"The account of {number.name} is {number.waba.state}", where)
        elif number.quality.upper() == "RED":
            yield Attention("warn", f"{number.name} has red quality", where)


def _first_steps(session: Session) -> list[tuple[bool, str, str]]:
    """The first steps of a new installation: (whether it is done, text, URL). Empty once a campaign was started."""
    if session.scalar(
        select(Campaign.id).where(Campaign.kind == CampaignKind.REAL, Campaign.started_at.is_not(None)).limit(1)
    ):
        return []
    return [
        (
            session.scalar(select(Number.id).limit(1)) is not None,
            "Add the number you send from",
            url_for("panel_numbers.index"),
        ),
        (
            session.scalar(select(Template.id).where(Template.status == "APPROVED").limit(1)) is not None,
            "Read your approved templates from Meta",
            url_for("panel_templates.index"),
        ),
        (
            session.scalar(select(Contact.id).limit(1)) is not None,
            "Import your contacts",
            url_for("panel_contacts.import_file"),
        ),
        (
            session.scalar(select(Flow.id).limit(1)) is not None,
            "Load a bot flow for the replies",
            url_for("panel_flows.index"),
        ),
        (False, "Make your first campaign", url_for("panel_campaigns.new")),
    ]
