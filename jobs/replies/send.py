"""Sending one claimed chat message, and what follows from its outcome."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.meta.callback_data import message_callback
from bot.meta.client import GraphClient
from bot.meta.error_codes import CONNECTION, ErrorAction, ErrorRule, rule_for
from bot.meta.messages import chat_body
from bot.meta.send_result import SendResult, SendResultKind
from models.conversations.outbox import ClaimedMessage, MessageResult
from models.tables.conversation import MessageState

log = logging.getLogger("hark.answer")

WAITS = frozenset({ErrorAction.RETRY_PAIR, ErrorAction.THROTTLE, ErrorAction.HOLD, ErrorAction.STOP})
"""The message is not lost to these: it goes on waiting, at the longest until the 24 h window is over."""
NO_ADDRESS = "The contact has neither a phone nor a user id that this number could write to."


@dataclass(frozen=True, slots=True)
class ReplyVerdict:
    """`sent` goes onto the row. `rule` is set where something happens beyond it: the number slows down, waits or stops."""

    sent: MessageResult
    rule: ErrorRule | None = None


async def send_message(
    client: GraphClient, installation: str, token: str, claimed: ClaimedMessage
) -> SendResult | None:
    """One request; None where there is nobody to send it to."""
    callback = message_callback(installation, claimed.id, claimed.attempt)
    if not (claimed.wa_id or claimed.phone or claimed.bsuid):
        return None
    body = chat_body(claimed.content, wa_id=claimed.wa_id, phone=claimed.phone, bsuid=claimed.bsuid, callback=callback)
    return await client.send(claimed.phone_number_id, token, body)


def judge_reply(claimed: ClaimedMessage, outcome: SendResult | None, now: datetime) -> ReplyVerdict:
    """What an outcome means for a chat message."""
    if outcome is None:
        return ReplyVerdict(_sent(claimed, MessageState.NOT_SENT, now, message=NO_ADDRESS))
    match outcome.kind:
        case SendResultKind.ACCEPTED | SendResultKind.HELD:
            return ReplyVerdict(
                MessageResult(claimed.id, claimed.attempt, MessageState.ACCEPTED, now, wamid=outcome.wamid)
            )
        case SendResultKind.UNSURE:
            return ReplyVerdict(
                _sent(claimed, MessageState.UNSURE, now, message=f"No clear answer: {outcome.message}.")
            )
        case SendResultKind.NOT_SENT:
            return ReplyVerdict(_again(claimed, CONNECTION, now, None, f"{CONNECTION.text} {outcome.message}."))
        case SendResultKind.REFUSED:
            return _refused(claimed, outcome, now)


def never_begun(claimed: ClaimedMessage, now: datetime) -> MessageResult:
    """A claimed message whose request was not begun goes back."""
    return MessageResult(claimed.id, claimed.attempt, MessageState.QUEUED, now, due_at=now)


def _refused(claimed: ClaimedMessage, outcome: SendResult, now: datetime) -> ReplyVerdict:
    rule = rule_for(outcome.code or 0, is_transient=outcome.is_transient)
    text = f"{rule.text} Meta says: {outcome.details}" if outcome.details else rule.text
    if rule.action in WAITS:
        return ReplyVerdict(_again(claimed, rule, now, outcome.code, text), rule)
    if rule.action is ErrorAction.RETRY and (rule.tries is None or claimed.attempt <= rule.tries):
        return ReplyVerdict(_again(claimed, rule, now, outcome.code, text))
    return ReplyVerdict(_sent(claimed, MessageState.REFUSED, now, code=outcome.code, message=text))


def _again(claimed: ClaimedMessage, rule: ErrorRule, now: datetime, code: int | None, message: str) -> MessageResult:
    due_at = now + timedelta(seconds=rule.delay_seconds(claimed.attempt - 1))
    return _sent(claimed, MessageState.QUEUED, now, code=code, message=message, due_at=due_at)


def _sent(
    claimed: ClaimedMessage,
    state: MessageState,
    now: datetime,
    *,
    code: int | None = None,
    message: str | None = None,
    due_at: datetime | None = None,
) -> MessageResult:
    return MessageResult(claimed.id, claimed.attempt, state, now, error_code=code, error_msg=message, due_at=due_at)
