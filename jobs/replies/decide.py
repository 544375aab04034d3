"""Decides one reply: turns a conversation's context into a plan of what to write. Pure, apart from looking up parsed flows."""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from bot import chatops
from bot.flows.engine import run_step
from bot.flows.session import (
    Accepted,
    Event,
    FlowContact,
    FlowState,
    HttpResult,
    MessageNotSent,
    ReplyEvent,
    Start,
    TimerDue,
)
from bot.opt_out_words import Word, button_intent, opt_out_intent
from bot.router import CampaignChoice, Decision, FlowChoice, LiveFlow, Route, RoutingFacts, keyword_flow, route
from bot.webhooks.parse_messages import CAPTIONED
from jobs.core.logs import described
from jobs.replies.answer_prices import AnswerPrices
from jobs.replies.flow_cache import FlowCache
from jobs.replies.plan import ReplyPlan, add_result
from models.conversations.claim import Unhandled
from models.conversations.context import CampaignContext, DueAction, ReplyContext
from models.conversations.flow_sessions import LiveSession
from models.events.messages.double_opt_in import CONFIRMED
from models.tables.conversation import CHOOSES, OPTED_OUT, REFERS, MessageState
from models.tables.flow import ActionKind

log = logging.getLogger("hark.answer")

SENT = (MessageState.ACCEPTED, MessageState.UNSURE, None)
"""States of the message that start a timer after it; None: the message was deleted, so the timer starts too."""


@dataclass(frozen=True, slots=True)
class BatchContext:
    """The parsed flows and settings that all decisions of a batch share."""

    flows: FlowCache
    default_country: str | None
    stop_answer: str
    start_answer: str
    prices: AnswerPrices = field(default_factory=AnswerPrices)


def decide(context: ReplyContext, batch: BatchContext, now: datetime) -> ReplyPlan | None:
    """Plan the reply to the first input of this conversation: a hand-over, a message, a due timer or the result of a call.

    None if nothing waits. An error in a flow yields a plan that marks the input as failed.
    """
    message, action = context.message, context.action
    if context.handed_flow_id is not None:
        return _hand_over(context, batch, now)
    if message is not None and (action is None or message.at <= action.due_at):
        return _answer(context, message, batch, now)
    if action is not None:
        return _resume(context, action, batch, now)
    return None


def failed_plan(context: ReplyContext, why: str) -> ReplyPlan:
    """A plan that only marks the first input of this conversation as failed."""
    message, action = context.message, context.action
    if context.handed_flow_id is not None:
        return ReplyPlan(context, handed_flow_id=context.handed_flow_id)
    if message is not None and (action is None or message.at <= action.due_at):
        return ReplyPlan(context, handled=Decision(Route.FAILED, f"answering it failed: {why}"))
    return ReplyPlan(context, action=action, is_action_stale=True)


def _answer(context: ReplyContext, message: Unhandled, batch: BatchContext, now: datetime) -> ReplyPlan:
    try:
        return _answer_or_raise(context, message, batch, now)
    except Exception as error:  # noqa: BLE001 - a message that cannot be answered must not block the next one
        log.error("message %d could not be answered: %s", message.id, described(error))  # noqa: TRY400
        return ReplyPlan(context, handled=Decision(Route.FAILED, f"answering it failed: {type(error).__name__}"))


def _answer_or_raise(context: ReplyContext, message: Unhandled, batch: BatchContext, now: datetime) -> ReplyPlan:
    live = _live_state(context, now)
    command = _command(context, message, now)
    decision = route(_facts(context, message, batch, live, has_command=command is not None))
    plan = ReplyPlan(context, handled=decision)
    if context.live is not None and live is None:
        plan.ends = "idle"
    reply = ReplyEvent(message.body or "", message.button_payload, message.wamid, _is_answer(message), context.form)
    if decision.route is Route.CHAT_OPS:
        plan.command = command
    elif decision.route in {Route.STOP, Route.START}:
        _confirm_word(plan, decision.route, batch)
    elif decision.route is Route.SESSION and live is not None and context.live is not None:
        _advance(plan, context.live, live, reply, batch, now)
    elif decision.begins is not None:
        if live is not None:
            plan.ends = "another_campaign" if decision.recipient_id else "another_flow"
        _begin(plan, decision.begins.flow_id, decision.recipient_id, context.campaign, reply, batch, now)
    return plan


def _hand_over(context: ReplyContext, batch: BatchContext, now: datetime) -> ReplyPlan:
    plan = ReplyPlan(context, handed_flow_id=context.handed_flow_id)
    if context.is_elsewhere:
        return plan
    if context.live is not None:
        plan.ends = "handed_over"
    recipient_id = context.live.recipient_id if context.live else None
    try:
        _begin(plan, context.handed_flow_id or 0, recipient_id, context.session_campaign, ReplyEvent(), batch, now)
    except Exception as error:  # noqa: BLE001 - see _answer
        log.error("conversation %d could not be handed over: %s", context.conversation_id, described(error))  # noqa: TRY400
        return ReplyPlan(context, handed_flow_id=context.handed_flow_id)
    return plan


def _resume(context: ReplyContext, action: DueAction, batch: BatchContext, now: datetime) -> ReplyPlan:
    """Give a timer or a result to the live session; an action of another session is only cancelled."""
    plan = ReplyPlan(context, action=action)
    live = context.live
    if live is None or live.id != action.session_id or context.case_id is not None or context.is_elsewhere:
        plan.is_action_stale = True
        return plan
    try:
        _advance(plan, live, FlowState.from_json(live.state), _event(action), batch, now)
    except Exception as error:  # noqa: BLE001 - see _answer
        log.error("action %d could not be taken up: %s", action.id, described(error))  # noqa: TRY400
        return ReplyPlan(context, action=action, is_action_stale=True)
    return plan


def _live_state(context: ReplyContext, now: datetime) -> FlowState | None:
    if context.live is None:
        return None
    flow_state = FlowState.from_json(context.live.state)
    return None if flow_state.is_idle(now) else flow_state


def _command(
    context: ReplyContext, message: Unhandled, now: datetime
) -> chatops.ChatCommand | chatops.Confirmation | None:
    if context.staff is None:
        return None
    command = chatops.read_command(message.body) if message.type == "text" else None
    return command or chatops.read_confirmation(message.button_payload, now)


def _facts(
    context: ReplyContext, message: Unhandled, batch: BatchContext, live: FlowState | None, *, has_command: bool
) -> RoutingFacts:
    flows = batch.flows
    live_flow = None
    if live is not None and context.live is not None:
        name = flows.version(context.live.flow_version_id).name
        live_flow = LiveFlow(
            FlowChoice(0, name), context.session_campaign.campaign_id if context.session_campaign else None
        )
    campaign = _choice(context.campaign, flows)
    return RoutingFacts(
        message_type=message.type,
        word=_word(message),
        is_staff_command=has_command,
        case_id=context.case_id,
        is_elsewhere=context.is_elsewhere,
        referenced=campaign if message.route == REFERS else None,
        session=live_flow,
        answered=campaign if message.route != REFERS else None,
        keyword=keyword_flow(message.body or "", flows.keywords),
        fallback=flows.fallback,
    )


def _choice(campaign: CampaignContext | None, flows: FlowCache) -> CampaignChoice | None:
    if campaign is None:
        return None
    flow = flows.choice(campaign.flow_id)
    has_run = flow is not None and campaign.has_run and not flows.newest(flow.flow_id)[1].repeat
    return CampaignChoice(campaign.campaign_id, campaign.recipient_id, flow, campaign.is_ended, has_run)


def _word(message: Unhandled) -> Word | None:
    """STOP, or a START that opted the person in. The ingest has changed the consent already, and stored what it was.

    The words are read once more for messages that an earlier version stored. Of a campaign's button the place decided.
    """
    if message.route in {CONFIRMED, OPTED_OUT}:
        return "start" if message.route == CONFIRMED else "stop"
    if message.route == CHOOSES or (message.route == REFERS and message.type == "button"):
        return None
    if message.type == "interactive" and message.button_payload is None:
        return None
    if message.type in {"button", "interactive"}:
        word = button_intent(message.body, message.button_payload)
    else:
        word = opt_out_intent(message.body) if message.type == "text" or message.type in CAPTIONED else None
    return "stop" if word == "stop" else None


def _is_answer(message: Unhandled) -> bool:
    """Whether a question can be answered by it: text, or a press. A form that was filled in is `interactive` without a payload."""
    return message.type in {"text", "button"} or (message.type == "interactive" and message.button_payload is not None)


def _confirm_word(plan: ReplyPlan, word_route: Route, batch: BatchContext) -> None:
    if word_route is Route.STOP:
        plan.drops_queue = True
        if plan.context.live is not None:
            plan.ends = "unsubscribed"
    if plan.context.is_elsewhere:
        return  # it was obeyed when it was stored; the other responder speaks
    text = batch.stop_answer if word_route is Route.STOP else batch.start_answer
    if text:
        plan.messages.append((chatops.text_answer(text), None))


def _event(action: DueAction) -> Event:
    tag = str(action.payload["tag"])
    if action.kind is not ActionKind.TIMER:
        result = action.result or {}
        return HttpResult(tag, bool(result.get("ok")), result.get("status"), result.get("body"))
    if action.payload.get("event") == "timer":
        return TimerDue(tag)
    return Accepted(tag) if action.message_state in SENT else MessageNotSent(tag)


def _begin(
    plan: ReplyPlan,
    flow_id: int,
    recipient_id: int | None,
    campaign: CampaignContext | None,
    reply: ReplyEvent,
    batch: BatchContext,
    now: datetime,
) -> None:
    version_id, flow = batch.flows.newest(flow_id)
    contact = _contact(plan.context, campaign if recipient_id else None, batch, now)
    result = run_step(flow, FlowState.begin(now), Start(reply), now, contact)
    plan.begins_version_id, plan.recipient_id = version_id, recipient_id
    plan.needs_human = result.needs_human
    add_result(plan, result, now)


def _advance(
    plan: ReplyPlan, live: LiveSession, flow_state: FlowState, event: Event, batch: BatchContext, now: datetime
) -> None:
    flow = batch.flows.version(live.flow_version_id)
    contact = _contact(plan.context, plan.context.session_campaign, batch, now)
    result = run_step(flow, flow_state, event, now, contact)
    plan.recipient_id, plan.needs_human = live.recipient_id, result.needs_human
    if result.session != flow_state or result.actions:
        plan.saves = True
        add_result(plan, result, now)


def _contact(
    context: ReplyContext, campaign: CampaignContext | None, batch: BatchContext, now: datetime
) -> FlowContact:
    return FlowContact(
        name=context.name or None,
        phone=context.phone,
        language=context.language,
        country=context.country,
        campaign=campaign.name if campaign else None,
        attributes={key: _text(value) for key, value in context.attributes.items() if value is not None},
        tags=context.tags,
        default_country=batch.default_country,
        answer_price=batch.prices.of(context.country, context.phone, now),
        price_currency=batch.prices.currency,
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
