"""The second step of a double opt-in: who was asked (`pending`) and answers yes on WhatsApp is subscribed by their own word.

A yes means many things, so it counts only from whom it can be meant: someone who is pending since before they said it, and whom
no bot flow is asking something else.
"""

from collections.abc import Sequence

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from models.contacts.consent import opt_in
from models.db.dialect import NO_SYNC
from models.events.messages.attribution import AttributedReply
from models.tables.contact import Consent, Contact
from models.tables.conversation import WINDOW, Message
from models.tables.flow import FlowSession, SessionStatus

CONFIRMED = "start"
"""The route of a message that confirmed: it is answered as a START is."""


def confirm_pending(session: Session, written: Sequence[AttributedReply]) -> int:
    """Take these messages that say yes as confirmations where they are; how many people are subscribed by that."""
    confirmed = [
        item for item in written if item.message.confirms and _is_meant(session, item) and _confirm(session, item)
    ]
    if confirmed:
        wamids = [item.message.wamid for item in confirmed]
        session.execute(
            update(Message).where(Message.wamid.in_(wamids)).values(route=CONFIRMED),
            execution_options=NO_SYNC,
        )
    return len(confirmed)


def _pending(session: Session, contact_ids: set[int]) -> set[int]:
    """Mostly nobody: a yes is an everyday answer."""
    if not contact_ids:
        return set()
    query = select(Contact.id).where(Contact.id.in_(sorted(contact_ids)), Contact.consent == Consent.PENDING)
    return set(session.scalars(query))


def _is_meant(session: Session, item: AttributedReply) -> bool:
    at = item.message.at
    is_asked = exists().where(
        FlowSession.contact_id == item.contact_id,
        FlowSession.number_id == item.number_id,
        FlowSession.status == SessionStatus.ACTIVE,
        FlowSession.updated_at > at - WINDOW,  # a flow without a move for so long asks nothing any more
    )
    is_pending = (Contact.consent == Consent.PENDING, or_(Contact.consent_at.is_(None), Contact.consent_at <= at))
    query = select(Contact.id).where(Contact.id == item.contact_id, *is_pending, ~is_asked)
    return session.scalar(query) is not None


def _confirm(session: Session, item: AttributedReply) -> bool:
    message = item.message
    return opt_in(session, item.contact_id, message.at, "whatsapp confirmation", f"message {message.wamid}")
