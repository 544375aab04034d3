"""Serves `/metrics` for Prometheus: to any client on this machine, to others with METRICS_TOKEN as bearer token."""

import hmac
import ipaddress
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from admin.auth.attempts import COUNTS_KEY, OUTCOMES
from admin.operations.exports.record import EXPORT_KINDS, EXPORTS_KEY
from admin.server.health import free_bytes
from admin.server.supervisor import read_restarts
from bot.links.requests import KEY as CLICKS
from bot.webhooks.shopify import KEY as SHOP_EVENTS
from jobs.core.clock_check import clock_problem
from jobs.core.queues import ALL
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import lag
from models.clock import utcnow
from models.conversations.cases import count_waiting
from models.conversations.unread import count_unread
from models.db.dialect import literal_word
from models.restore.hold import is_held
from models.sending.lease import live_lanes
from models.tables.campaign import LIVE, Campaign, CampaignStatus
from models.tables.conversation import Direction, Message, MessageState
from models.tables.epoch import Epoch
from models.tables.recipient import Recipient, RecipientState
from models.tables.shop import OptOutState, ShopOptOut
from models.tables.webhook_event import DeadLetter, ParkedStatus

_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")


def init_app(app: Flask, rt: Runtime) -> None:
    """Register the page."""
    bp = Blueprint("metrics", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HarkCollector(rt))

    @bp.get("/metrics")
    def metrics() -> ResponseReturnValue:
        if not _may_read(rt.settings.metrics_token):
            return {"error": "a bearer token is needed (METRICS_TOKEN)"}, 401, {"WWW-Authenticate": "Bearer"}
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.register_blueprint(bp)


class HarkCollector(Collector):
    """Reads the figures at each request. If the database or Redis cannot be reached, its figures are missing and `hark_up` is 0."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    def describe(self) -> list[GaugeMetricFamily]:
        """Return nothing, so that registering runs no query."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every metric."""
        up = GaugeMetricFamily("hark_up", "Whether the part answers.", labels=["part"])
        try:
            with self._rt.database.read() as session:
                yield from _of_database(session)
            agrees = "Whether the clocks agree; else nothing is ended, purged or started by time."
            yield GaugeMetricFamily("hark_clock_agrees", agrees, value=clock_problem(self._rt) is None)
            up.add_metric(["database"], 1)
        except (SQLAlchemyError, OSError):
            up.add_metric(["database"], 0)
        try:
            yield from self._of_redis()
            up.add_metric(["redis"], 1)
        except (RedisError, OSError):
            up.add_metric(["redis"], 0)
        yield from self._of_machine()
        yield up

    def _of_machine(self) -> Iterator[GaugeMetricFamily]:
        try:
            free = free_bytes(self._rt)
        except OSError:
            free = 0
        yield GaugeMetricFamily("hark_disk_free_bytes", "What is free on the disk of var/.", value=free)
        restarts = GaugeMetricFamily(
            "hark_restarts", "How often a process of flask up was started again.", labels=["process"]
        )
        for name, count in read_restarts(self._rt.settings.var_dir).items():
            restarts.add_metric([name], count)
        yield restarts

    def _of_redis(self) -> Iterator[GaugeMetricFamily]:
        ingest = lag(self._rt)
        age = "Age of the oldest event that is not yet applied."
        yield GaugeMetricFamily("hark_ingest_lag_seconds", age, value=ingest.seconds)
        yield GaugeMetricFamily("hark_ingest_backlog_events", "Events that are not yet applied.", value=ingest.events)
        yield GaugeMetricFamily("hark_ingest_alive", "Whether any consumer of events beats.", value=ingest.is_alive)
        shop_events = self._rt.redis.xlen(SHOP_EVENTS)
        yield GaugeMetricFamily(
            "hark_shop_backlog_events", "What shops said and is not yet applied.", value=int(shop_events)
        )
        clicks = self._rt.redis.xlen(CLICKS)
        yield GaugeMetricFamily("hark_clicks_waiting", "Clicks that are not yet stored.", value=int(clicks))
        what = "Sign-ins, and what became of sessions, since Redis began."
        outcomes = GaugeMetricFamily("hark_sign_ins", what, labels=["outcome"])
        counts = self._rt.redis.hgetall(COUNTS_KEY)
        for outcome in OUTCOMES:
            outcomes.add_metric([outcome], int(counts.get(outcome.encode(), 0)))
        yield outcomes
        changes = GaugeMetricFamily(
            "hark_second_factors", "Changes of second factors since Redis began.", labels=["change"]
        )
        for change in ("enrolled", "removed", "reset"):
            changes.add_metric([change], int(counts.get(f"factor_{change}".encode(), 0)))
        yield changes
        exports = GaugeMetricFamily("hark_exports", "Data that was taken out, since Redis began.", labels=["kind"])
        exported = self._rt.redis.hgetall(EXPORTS_KEY)
        for kind in EXPORT_KINDS:
            exports.add_metric([kind], int(exported.get(kind.encode(), 0)))
        yield exports
        waiting = GaugeMetricFamily("hark_wake_ups_waiting", "Wake-ups that no worker took yet.", labels=["queue"])
        for name in ALL:
            waiting.add_metric([name], int(self._rt.redis.llen(f"rq:queue:{name}")))
        yield waiting


def _of_database(session: Session) -> Iterator[GaugeMetricFamily]:
    campaigns = GaugeMetricFamily("hark_campaigns", "Campaigns.", labels=["status"])
    counted = session.execute(
        select(Campaign.status, func.count()).where(Campaign.deleted_at.is_(None)).group_by(Campaign.status)
    )
    tally = {status: number for status, number in counted}  # noqa: C416 - rows are no pairs to the type checker
    for status in CampaignStatus:
        campaigns.add_metric([status.value], tally.get(status, 0))
    yield campaigns
    running = select(Campaign.id).where(Campaign.status.in_(LIVE))
    states = GaugeMetricFamily("hark_recipients", "People of running campaigns who are not done yet.", labels=["state"])
    for state in (RecipientState.QUEUED, RecipientState.SENDING, RecipientState.UNSURE, RecipientState.HELD):
        query = select(func.count()).where(Recipient.campaign_id.in_(running), Recipient.state == literal_word(state))
        states.add_metric([state.value], session.scalar(query) or 0)
    yield states
    yield GaugeMetricFamily("hark_lanes", "Senders that are alive.", value=sum(live_lanes(session).values()))
    unanswered = select(func.count()).where(
        Message.direction == literal_word(Direction.IN), Message.handled_at.is_(None)
    )
    yield GaugeMetricFamily(
        "hark_replies_unhandled", "Messages of people not yet handled.", value=session.scalar(unanswered) or 0
    )
    waiting = select(func.count()).where(
        Message.state.in_([literal_word(MessageState.QUEUED), literal_word(MessageState.SENDING)])
    )
    yield GaugeMetricFamily("hark_answers_waiting", "Answers not yet sent.", value=session.scalar(waiting) or 0)
    yield GaugeMetricFamily(
        "hark_database_held",
        "Whether nothing is sent because the database was put back from a copy.",
        value=is_held(session),
    )
    served_at = session.scalar(select(Epoch.served_at))
    age = (utcnow() - served_at).total_seconds() if served_at else 0.0
    yield GaugeMetricFamily("hark_schedule_age_seconds", "Since a schedule last looked after campaigns.", value=age)
    cases = "People whose case waits for an agent."
    yield GaugeMetricFamily("hark_cases_waiting", cases, value=count_waiting(session))
    unread = "Conversations with replies that nothing took."
    yield GaugeMetricFamily("hark_replies_unread", unread, value=count_unread(session))
    opt_outs = select(func.count()).where(ShopOptOut.state == OptOutState.PENDING)
    yield GaugeMetricFamily(
        "hark_shop_opt_outs_waiting", "Opt-outs that the shop is not told yet.", value=session.scalar(opt_outs) or 0
    )
    parked = session.scalar(select(func.count()).select_from(ParkedStatus)) or 0
    yield GaugeMetricFamily("hark_statuses_parked", "Statuses that match no message yet.", value=parked)
    dead = session.scalar(select(func.count()).select_from(DeadLetter).where(DeadLetter.replayed_at.is_(None))) or 0
    yield GaugeMetricFamily("hark_dead_letters", "Events that could not be processed.", value=dead)


def _may_read(token: str | None) -> bool:
    credentials = request.authorization
    if token and credentials is not None and credentials.type == "bearer" and credentials.token:
        return hmac.compare_digest(credentials.token.encode(), token.encode())
    return _is_local()


def _is_local() -> bool:
    """Whether the client is on this machine. A local proxy forwards others' requests, and marks them by a header."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
