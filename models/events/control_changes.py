"""Applies changes of control: a conversation is passed to us, or taken from us, by another responder (docs/meta.md §7.11)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from models.contacts.resolve import resolve_unless_erased
from models.conversations.cases import await_agents
from models.conversations.control import Evidence, record_control
from models.conversations.unread import mark_unread
from models.events.messages.echoes import open_conversation
from models.events.messages.known import our_numbers
from models.events.messages.senders import identity
from models.events.types import ControlChange


def apply_control_changes(session: Session, changes: Sequence[ControlChange], now: datetime) -> int:
    """Apply a batch in the order of Meta's time; returns how many were new and of numbers of ours.

    Whoever was passed to us waits for a person: their conversation is left unread, or their open case waits.
    """
    numbers = our_numbers(session, {change.phone_number_id for change in changes})
    applied = 0
    for change in sorted(changes, key=lambda each: each.at):
        if change.phone_number_id not in numbers:
            continue
        number_id, portfolio_id = numbers[change.phone_number_id]
        contact_id = resolve_unless_erased(session, identity(change.person, portfolio_id, change.at), now)
        if contact_id is None:
            continue
        listed_at = change.at if change.is_to_us else None  # the inbox lists conversations by their last message
        conversation_id = open_conversation(session, contact_id, number_id, now, listed_at)
        evidence = Evidence.PASSED if change.is_to_us else Evidence.TAKEN
        if not record_control(
            session, conversation_id, evidence, change.at, now, role=change.new_role, summary=change.summary
        ):
            continue
        applied += 1
        if change.is_to_us:
            await_agents(session, [contact_id])
            mark_unread(session, [conversation_id], now)
    return applied
