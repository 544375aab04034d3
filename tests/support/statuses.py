"""Statuses of messages of ours, applied one by one."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.events.statuses.apply import StatusResult, apply_statuses
from models.events.types import Callback, Failure, Pricing, Status
from models.tables.conversation import Direction, Message, MessageState
from models.tables.lane import Lane
from models.tables.number import Number
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import make_conversation

MINE = "inst"
REGULAR = Pricing("marketing", "regular", True)
State = RecipientState


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def make_lane(session: Session, number: Number) -> Lane:
    lane = Lane(number_id=number.id, host="h", pid=1, started_at=NOW, beat_at=NOW, expires_at=NOW)
    session.add(lane)
    session.flush()
    return lane


def recipient(session: Session, state: State = State.ACCEPTED, wamid: str | None = "w1", **values: Any) -> Recipient:
    """One person's row in a campaign of its own, on its first attempt."""
    campaign = make_campaign(session)
    if state in {State.SENDING, State.UNSURE}:
        values = {"lane_id": make_lane(session, campaign.number).id, "claimed_at": NOW} | values  # type: ignore[arg-type]
    if state in {State.ACCEPTED, State.HELD}:
        values = {"accepted_at": at(0.5)} | values
    if state is State.NOT_SENT:
        values = {"reason": NotSent.CAMPAIGN_ENDED} | values
    if state is State.UNSURE:
        values = {"unsure_at": at(1), "error_msg": "no answer", "detail": "no answer"} | values
    has_wamid = state in {State.ACCEPTED, State.HELD}
    made = make_recipient(
        session,
        campaign,
        make_contact(session),
        state=state,
        **({"attempts": 1, "wamid": wamid if has_wamid else None} | values),
    )
    session.expire(made)
    return made


def status(row: Recipient, kind: str, seconds: float, code: int | None = None, **values: Any) -> Status:
    given: dict[str, Any] = {
        "wamid": row.wamid or "w1",
        "status": kind,
        "at": at(seconds),
        "callback": Callback(MINE, row.id, None, 1),
        "callback_data": f"h1:{MINE}:{row.id}:1",
        "failure": Failure(code, f"error {code}") if code is not None else None,
    }
    return Status(**(given | values))


def apply(session: Session, *statuses: Status) -> StatusResult:
    session.flush()
    result = apply_statuses(session, statuses, NOW, MINE)
    session.expire_all()
    return result


def chat_message(session: Session, state: MessageState, **values: Any) -> Message:
    number = make_number(session)
    conversation = make_conversation(session, make_contact(session), number)
    made = Message(
        conversation_id=conversation.id, direction=Direction.OUT, state=state, type="text", at=NOW, attempts=1, **values
    )
    session.add(made)
    session.flush()
    return made
