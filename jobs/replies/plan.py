"""Holds what one reply writes, and adds to it what a step of a bot flow returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot import chatops
from bot.flows.session import (
    CallHttp,
    FlowState,
    OpenCase,
    PassStep,
    RemoveTag,
    Result,
    SendMessage,
    SetAttribute,
    SetTag,
    StartTimer,
    Unsubscribe,
)
from bot.router import Decision
from models.conversations.context import DueAction, ReplyContext
from models.tables.flow import ActionKind


@dataclass(frozen=True, slots=True)
class NewAction:
    """A timer or call of the session. With `after_tag` it becomes due once the message with that tag is settled."""

    kind: ActionKind
    payload: dict[str, Any]
    due_at: datetime | None
    after_tag: str | None = None


@dataclass(slots=True)
class ReplyPlan:
    """What one reply writes, all of it in one transaction or none of it."""

    context: ReplyContext
    handled: Decision | None = None
    action: DueAction | None = None
    is_action_stale: bool = False
    handed_flow_id: int | None = None
    ends: str | None = None
    """Why the live session ends before anything else is written; None if it does not."""
    begins_version_id: int | None = None
    recipient_id: int | None = None
    saves: bool = False
    flow_state: FlowState | None = None
    messages: list[tuple[Mapping[str, Any], str | None]] = field(default_factory=list)
    links: dict[int, str] = field(default_factory=dict)
    """The place among `messages` of those with a link button that can be tracked, with the bot flow's node."""
    actions: list[NewAction] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    traits: list[SetTag | RemoveTag | SetAttribute] = field(default_factory=list)
    case_reason: str | None = None
    unsubscribes: bool = False
    drops_queue: bool = False
    """Whether queued bot messages become `not_sent`, since the person wrote STOP."""
    command: chatops.ChatCommand | chatops.Confirmation | None = None
    needs_human: bool = False
    """Whether the bot flow leaves the reply unanswered, so that agents find it in the inbox."""


def add_result(plan: ReplyPlan, result: Result, now: datetime) -> None:
    """Add the flow engine's new state and actions to the plan."""
    plan.flow_state = result.session
    for action in result.actions:
        match action:
            case SendMessage():
                if action.link_node is not None:
                    plan.links[len(plan.messages)] = action.link_node
                plan.messages.append((action.content, action.tag))
            case PassStep():
                plan.steps.append(action.name)
            case SetTag() | RemoveTag() | SetAttribute():
                plan.traits.append(action)
            case OpenCase():
                plan.case_reason = action.reason
            case Unsubscribe():
                plan.unsubscribes = True
            case StartTimer():
                due_at = now + timedelta(seconds=action.seconds)
                plan.actions.append(NewAction(ActionKind.TIMER, {"event": "timer", "tag": action.tag}, due_at))
            case CallHttp():
                plan.actions.append(_call(action, now))
    flow_state = result.session
    if flow_state.status == "active" and flow_state.waiting_for == "sent" and flow_state.awaiting:
        is_new = any(tag == flow_state.awaiting for _, tag in plan.messages)
        payload = {"event": "sent", "tag": flow_state.awaiting}
        if is_new:
            plan.actions.append(NewAction(ActionKind.TIMER, payload, None, after_tag=flow_state.awaiting))


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
