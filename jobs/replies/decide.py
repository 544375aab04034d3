"""Deciding one answer: from a conversation's situation to what is to be written. Pure but for the parsed flows it looks up."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot import chatops
from bot.flows.engine import run_step
from bot.flows.session import (
    Accepted,
    CallHttp,
    Event,
    FlowContact,
    HttpResult,
    MessageNotSent,
    OpenCase,
    PassStep,
    RemoveTag,
    ReplyEvent,
    Result,
    SendMessage,
    SetAttribute,
    SetTag,
    Start,
    StartTimer,
    TimerDue,
    Unsubscribe,
)
from bot.flows.session import FlowState as Walk
from bot.opt_out_words import Word, button_intent, opt_out_intent
from bot.router import CampaignChoice, Decision, FlowChoice, Route, RoutingFacts, keyword_flow, route
from bot.router import LiveFlow as WalkFacts
from bot.webhooks.parse_messages import CAPTIONED
from jobs.core.logs import described
from jobs.replies.flow_cache import FlowCache
from models.conversations.claim import Unhandled
from models.conversations.context import CampaignContext, DueAction, ReplyContext
from models.conversations.flow_sessions import LiveSession
from models.events.messages.double_opt_in import CONFIRMED
from models.tables.conversation import REFERS, MessageState
from models.tables.flow import ActionKind

log = logging.getLogger("hark.answer")

SENT = (MessageState.ACCEPTED, MessageState.UNSURE, None)
"""What lets a wait begin; None: the message is gone, so nothing can be waited for."""


@dataclass(frozen=True, slots=True)
class NewAction:
    """Something to wait for. With `after_tag` it is due once the message with that tag is settled."""

    kind: ActionKind
    payload: dict[str, Any]
    due_at: datetime | None
    after_tag: str | None = None


@dataclass(slots=True)
class ReplyPlan:
    """What one answer writes, all of it in one transaction or none of it."""

    situation: ReplyContext
    handled: Decision | None = None
    action: DueAction | None = None
    is_action_stale: bool = False
    handed_flow_id: int | None = None
    ends: str | None = None
    """Why the live session ends before anything else."""
    begins_version_id: int | None = None
    recipient_id: int | None = None
    saves: bool = False
    walk: Walk | None = None
    messages: list[tuple[Mapping[str, Any], str | None]] = field(default_factory=list)
    actions: list[NewAction] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    traits: list[SetTag | RemoveTag | SetAttribute] = field(default_factory=list)
    case_reason: str | None = None
    unsubscribes: bool = False
    drops_queue: bool = False
    """Bot messages that have not left yet are left out: the person said STOP."""
    command: chatops.ChatCommand | chatops.Confirmation | None = None


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What every decision of a batch shares."""

    shelf: FlowCache
    default_country: str | None
    stop_answer: str
    start_answer: str


def decide(situation: ReplyContext, known: BatchContext, now: datetime) -> ReplyPlan | None:
    """What comes first in this conversation: a hand-over, a message, or a timer or result. None where nothing waits."""
    message, action = situation.message, situation.action
    if situation.handed_flow_id is not None:
        return _hand_over(situation, known, now)
    if message is not None and (action is None or message.at <= action.due_at):
        return _answer(situation, message, known, now)
    if action is not None:
        return _resume(situation, action, known, now)
    return None


def set_aside(situation: ReplyContext, why: str) -> ReplyPlan:
    """What comes first, marked as failed and nothing else."""
    message, action = situation.message, situation.action
    if situation.handed_flow_id is not None:
        return ReplyPlan(situation, handed_flow_id=situation.handed_flow_id)
    if message is not None and (action is None or message.at <= action.due_at):
        return ReplyPlan(situation, handled=Decision(Route.FAILED, f"answering it failed: {why}"))
    return ReplyPlan(situation, action=action, is_action_stale=True)


def _answer(situation: ReplyContext, message: Unhandled, known: BatchContext, now: datetime) -> ReplyPlan:
    try:
        return _answer_or_raise(situation, message, known, now)
    except Exception as error:  # noqa: BLE001 - one message that cannot be answered must not stand before the next
        log.error("message %d could not be answered: %s", message.id, described(error))  # noqa: TRY400
        return ReplyPlan(situation, handled=Decision(Route.FAILED, f"answering it failed: {type(error).__name__}"))


def _answer_or_raise(situation: ReplyContext, message: Unhandled, known: BatchContext, now: datetime) -> ReplyPlan:
    live = _live_walk(situation, now)
    command = _command(situation, message, now)
    decision = route(_facts(situation, message, known, live, has_command=command is not None))
    change = ReplyPlan(situation, handled=decision)
    if situation.live is not None and live is None:
        change.ends = "idle"
    reply = ReplyEvent(message.body or "", message.button_payload, message.wamid)
    if decision.route is Route.CHAT_OPS:
        change.command = command
    elif decision.route in {Route.STOP, Route.START}:
        _confirm_word(change, decision.route, known)
    elif decision.route is Route.SESSION and live is not None and situation.live is not None:
        _take(change, situation.live, live, reply, known, now)
    elif decision.begins is not None:
        if live is not None:
            change.ends = "another_campaign" if decision.recipient_id else "another_flow"
        _begin(change, decision.begins.flow_id, decision.recipient_id, situation.campaign, reply, known, now)
    return change


def _hand_over(situation: ReplyContext, known: BatchContext, now: datetime) -> ReplyPlan:
    change = ReplyPlan(situation, handed_flow_id=situation.handed_flow_id)
    if situation.live is not None:
        change.ends = "handed_over"
    recipient_id = situation.live.recipient_id if situation.live else None
    try:
        _begin(change, situation.handed_flow_id or 0, recipient_id, situation.walked, ReplyEvent(), known, now)
    except Exception as error:  # noqa: BLE001 - see _answer
        log.error("conversation %d could not be handed over: %s", situation.conversation_id, described(error))  # noqa: TRY400
        return ReplyPlan(situation, handed_flow_id=situation.handed_flow_id)
    return change


def _resume(situation: ReplyContext, action: DueAction, known: BatchContext, now: datetime) -> ReplyPlan:
    """A timer or a result for the live session; what is left of another one is put away."""
    change = ReplyPlan(situation, action=action)
    live = situation.live
    if live is None or live.id != action.session_id or situation.case_id is not None:
        change.is_action_stale = True
        return change
    try:
        _take(change, live, Walk.from_json(live.state), _event(action), known, now)
    except Exception as error:  # noqa: BLE001 - see _answer
        log.error("action %d could not be taken up: %s", action.id, described(error))  # noqa: TRY400
        return ReplyPlan(situation, action=action, is_action_stale=True)
    return change


def _live_walk(situation: ReplyContext, now: datetime) -> Walk | None:
    if situation.live is None:
        return None
    walk = Walk.from_json(situation.live.state)
    return None if walk.is_idle(now) else walk


def _command(
    situation: ReplyContext, message: Unhandled, now: datetime
) -> chatops.ChatCommand | chatops.Confirmation | None:
    if situation.staff is None:
        return None
    typed = chatops.read_command(message.body) if message.type == "text" else None
    return typed or chatops.read_confirmation(message.button_payload, now)


def _facts(
    situation: ReplyContext, message: Unhandled, known: BatchContext, live: Walk | None, *, has_command: bool
) -> RoutingFacts:
    shelf = known.shelf
    walk = None
    if live is not None and situation.live is not None:
        name = shelf.version(situation.live.flow_version_id).name
        walk = WalkFacts(FlowChoice(0, name), situation.walked.campaign_id if situation.walked else None)
    campaign = _choice(situation.campaign, shelf)
    return RoutingFacts(
        message_type=message.type,
        word=_word(message),
        is_staff_command=has_command,
        case_id=situation.case_id,
        referenced=campaign if message.route == REFERS else None,
        session=walk,
        answered=campaign if message.route != REFERS else None,
        keyword=keyword_flow(message.body or "", shelf.keywords),
        fallback=shelf.fallback,
    )


def _choice(campaign: CampaignContext | None, shelf: FlowCache) -> CampaignChoice | None:
    if campaign is None:
        return None
    flow = shelf.choice(campaign.flow_id)
    return CampaignChoice(campaign.campaign_id, campaign.recipient_id, flow, campaign.is_ended)


def _word(message: Unhandled) -> Word | None:
    """The same reading as the ingest's, which has applied it already."""
    if message.route == CONFIRMED:
        return "start"
    if message.type in {"button", "interactive"}:
        return button_intent(message.body, message.button_payload)
    return opt_out_intent(message.body) if message.type == "text" or message.type in CAPTIONED else None


def _confirm_word(change: ReplyPlan, said: Route, known: BatchContext) -> None:
    if said is Route.STOP:
        change.drops_queue = True
        if change.situation.live is not None:
            change.ends = "unsubscribed"
    text = known.stop_answer if said is Route.STOP else known.start_answer
    if text:
        change.messages.append((chatops.text_answer(text), None))


def _event(action: DueAction) -> Event:
    tag = str(action.payload["tag"])
    if action.kind is not ActionKind.TIMER:
        result = action.result or {}
        return HttpResult(tag, bool(result.get("ok")), result.get("status"), result.get("body"))
    if action.payload.get("event") == "timer":
        return TimerDue(tag)
    return Accepted(tag) if action.message_state in SENT else MessageNotSent(tag)


def _begin(
    change: ReplyPlan,
    flow_id: int,
    recipient_id: int | None,
    campaign: CampaignContext | None,
    reply: ReplyEvent,
    known: BatchContext,
    now: datetime,
) -> None:
    version_id, flow = known.shelf.newest(flow_id)
    contact = _contact(change.situation, campaign if recipient_id else None, known)
    result = run_step(flow, Walk.begin(now), Start(reply), now, contact)
    change.begins_version_id, change.recipient_id = version_id, recipient_id
    _take_up(change, result, now)


def _take(change: ReplyPlan, live: LiveSession, walk: Walk, event: Event, known: BatchContext, now: datetime) -> None:
    flow = known.shelf.version(live.flow_version_id)
    result = run_step(flow, walk, event, now, _contact(change.situation, change.situation.walked, known))
    change.recipient_id = live.recipient_id
    if result.session != walk or result.actions:
        change.saves = True
        _take_up(change, result, now)


def _contact(situation: ReplyContext, campaign: CampaignContext | None, known: BatchContext) -> FlowContact:
    return FlowContact(
        name=situation.name or None,
        phone=situation.phone,
        language=situation.language,
        country=situation.country,
        campaign=campaign.name if campaign else None,
        attributes={key: _text(value) for key, value in situation.attributes.items() if value is not None},
        tags=situation.tags,
        default_country=known.default_country,
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _take_up(change: ReplyPlan, result: Result, now: datetime) -> None:
    """The engine's actions as rows to write."""
    change.walk = result.session
    for action in result.actions:
        match action:
            case SendMessage():
                change.messages.append((action.content, action.tag))
            case PassStep():
                change.steps.append(action.name)
            case SetTag() | RemoveTag() | SetAttribute():
                change.traits.append(action)
            case OpenCase():
                change.case_reason = action.reason
            case Unsubscribe():
                change.unsubscribes = True
            case StartTimer():
                due_at = now + timedelta(seconds=action.seconds)
                change.actions.append(NewAction(ActionKind.TIMER, {"event": "timer", "tag": action.tag}, due_at))
            case CallHttp():
                change.actions.append(_call(action, now))
    walk = result.session
    if walk.status == "active" and walk.waiting_for == "sent" and walk.awaiting:
        is_new = any(tag == walk.awaiting for _, tag in change.messages)
        payload = {"event": "sent", "tag": walk.awaiting}
        if is_new:
            change.actions.append(NewAction(ActionKind.TIMER, payload, None, after_tag=walk.awaiting))


def _call(action: CallHttp, now: datetime) -> NewAction:
    payload = {
        "tag": action.tag,
        "method": action.method,
        "url": action.url,
        "headers": dict(action.headers),
        "body": None if action.body is None else dict(action.body),
        "timeout_seconds": action.timeout_seconds,
        "signed": action.signed,
    }
    return NewAction(ActionKind.EXTERNAL if action.signed else ActionKind.HTTP, payload, now)
