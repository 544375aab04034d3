"""Confirms a double opt-in: a contact whose consent is `pending` and who answers yes on WhatsApp becomes subscribed.

A yes can mean many things. It counts only if the contact was pending before they wrote it, and no bot flow is asking them
something else.
"""

from collections.abc import Sequence

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from models.contacts.consent import MESSAGE_PROOF, opt_in
from models.db.dialect import NO_SYNC
from models.events.messages.attribution import AttributedReply
from models.tables.contact import Consent, Contact
from models.tables.conversation import WINDOW, Message
from models.tables.flow import FlowSession, SessionStatus

CONFIRMED = "start"
"""The route of a message that opted in, by START or by the confirmation of a double opt-in: both are answered alike."""


def confirm_pending(session: Session, replies: Sequence[AttributedReply]) -> int:
    """Subscribe the pending contacts whose message confirms it; returns the number of confirmations."""
    confirmed = [
        item for item in replies if item.message.confirms and _is_meant(session, item) and _confirm(session, item)
    ]
    mark_as_start(session, [item.message.wamid for item in confirmed])
    return len(confirmed)


def mark_as_start(session: Session, wamids: Sequence[str]) -> None:
    """Route these messages to the answer of a START: they opted in."""
    if wamids:
        session.execute(
            update(Message).where(Message.wamid.in_(wamids)).values(route=CONFIRMED),
            execution_options=NO_SYNC,
        )


def _is_meant(session: Session, item: AttributedReply) -> bool:
    at = item.message.at
    is_asked = exists().where(
        FlowSession.contact_id == item.contact_id,
        FlowSession.number_id == item.number_id,
        FlowSession.status == SessionStatus.ACTIVE,
        FlowSession.updated_at > at - WINDOW,  # a session that is idle for longer asks nothing any more
    )
    is_pending = (Contact.consent == Consent.PENDING, or_(Contact.consent_at.is_(None), Contact.consent_at <= at))
    query = select(Contact.id).where(Contact.id == item.contact_id, *is_pending, ~is_asked)
    return session.scalar(query) is not None


def _confirm(session: Session, item: AttributedReply) -> bool:
    message = item.message
    return opt_in(session, item.contact_id, message.at, "whatsapp confirmation", f"{MESSAGE_PROOF}{message.wamid}")
