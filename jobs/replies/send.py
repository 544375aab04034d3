"""Sends one claimed message of a conversation and judges its result."""

from datetime import datetime, timedelta

from bot.messages.chat import chat_body
from bot.meta.callback_data import message_callback
from bot.meta.client import GraphClient
from bot.meta.send_result import SendResult
from jobs.sending.judge import SendVerdict, judge_send, unsendable
from models.conversations.outbox import ClaimedMessage, MessageResult
from models.stored_texts import NO_ADDRESS
from models.tables.conversation import MessageState
from models.tables.recipient import RecipientState


async def send_message(
    client: GraphClient, installation: str, token: str, claimed: ClaimedMessage
) -> SendResult | None:
    """Send the message with one request; None if the contact has no address, and nothing was sent."""
    callback = message_callback(installation, claimed.id, claimed.attempt)
    if not (claimed.wa_id or claimed.phone or claimed.bsuid):
        return None
    body = chat_body(claimed.content, wa_id=claimed.wa_id, phone=claimed.phone, bsuid=claimed.bsuid, callback=callback)
    return await client.send(claimed.phone_number_id, token, body)


def judge_reply(claimed: ClaimedMessage, result: SendResult | None) -> SendVerdict:
    """The verdict on a result (None: the contact has no address) for a chat message.

    A message stores no count of its transient failures, so every earlier attempt counts as one.
    """
    if result is None:
        return unsendable(NO_ADDRESS())
    return judge_send(result, claimed.attempt, claimed.attempt - 1, has_campaign=False)


def message_result(claimed: ClaimedMessage, verdict: SendVerdict, now: datetime) -> MessageResult:
    """The verdict as a chat message stores it. A message held for quality assessment (docs/meta.md §4.5) counts as accepted."""
    state = RecipientState.ACCEPTED if verdict.state is RecipientState.HELD else verdict.state
    return MessageResult(
        claimed.id,
        claimed.attempt,
        MessageState(state.value),
        now,
        wamid=verdict.result.wamid,
        error_code=verdict.code,
        message=verdict.message,
        due_at=now + timedelta(seconds=verdict.delay_seconds) if state is RecipientState.QUEUED else None,
    )
