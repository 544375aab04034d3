"""Sending one claimed chat message, and what follows from its outcome."""

from datetime import datetime, timedelta

from bot.meta.callback_data import message_callback
from bot.meta.client import GraphClient
from bot.meta.messages import chat_body
from bot.meta.send_result import SendResult
from jobs.sending.judge import SendVerdict, judge_send, unsendable
from models.conversations.outbox import ClaimedMessage, MessageResult
from models.tables.conversation import MessageState
from models.tables.recipient import RecipientState

NO_ADDRESS = "The contact has neither a phone nor a user id that this number could write to."


async def send_message(
    client: GraphClient, installation: str, token: str, claimed: ClaimedMessage
) -> SendResult | None:
    """One request; None where there is nobody to send it to."""
    callback = message_callback(installation, claimed.id, claimed.attempt)
    if not (claimed.wa_id or claimed.phone or claimed.bsuid):
        return None
    body = chat_body(claimed.content, wa_id=claimed.wa_id, phone=claimed.phone, bsuid=claimed.bsuid, callback=callback)
    return await client.send(claimed.phone_number_id, token, body)


def judge_reply(claimed: ClaimedMessage, result: SendResult | None) -> SendVerdict:
    """What a result (None: there was nobody to send to) means for a chat message.

    A message keeps no count of its transient failures, so every earlier attempt counts as one.
    """
    if result is None:
        return unsendable(NO_ADDRESS)
    return judge_send(result, claimed.attempt, claimed.attempt - 1, has_campaign=False)


def message_result(claimed: ClaimedMessage, verdict: SendVerdict, now: datetime) -> MessageResult:
    """The verdict as it is written on a chat message. One that Meta keeps back for its quality assessment is accepted."""
    state = RecipientState.ACCEPTED if verdict.state is RecipientState.HELD else verdict.state
    return MessageResult(
        claimed.id,
        claimed.attempt,
        MessageState(state.value),
        now,
        wamid=verdict.result.wamid,
        error_code=verdict.code,
        error_msg=verdict.message,
        due_at=now + timedelta(seconds=verdict.delay_seconds) if state is RecipientState.QUEUED else None,
    )
