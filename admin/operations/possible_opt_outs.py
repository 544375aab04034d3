"""Decides about messages that may ask for an end: an agent unsubscribes the person, or dismisses the mark."""

from datetime import datetime

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.contacts.consent import MESSAGE_PROOF, set_consent
from models.conversations.possible_opt_outs import (
    clear_possible_opt_outs,
    find_possible_opt_out,
    settle_possible_opt_out,
)
from models.conversations.unread import mark_read
from models.errors import OperatorError
from models.results.opt_outs import CampaignOptOut, record_opt_outs
from models.tables.audit import AuditAction, record_audit
from models.tables.contact import Consent
from models.tables.conversation import Conversation, Message
from models.tables.recipient_opt_out import OptOutWay

SOURCE = "inbox: they may want to stop"


@retry_conflicts
def unsubscribe_as_meant(rt: Runtime, conversation_id: int, until: datetime, actor: str) -> None:
    """Unsubscribe the person of a marked conversation; the marked message is the proof. What came up to `until` is read then.

    Raises OperatorError if the conversation is not marked, or the person cannot be unsubscribed.
    """
    now = utcnow()
    with rt.database.write() as session:
        mark = find_possible_opt_out(session, conversation_id)
        if mark is None:
            raise OperatorError("Nothing is left to decide: somebody did it already.")
        contact_id = session.get_one(Conversation, conversation_id).contact_id
        message = session.get(Message, mark.message_id)  # None: it was purged meanwhile
        proof = f"{MESSAGE_PROOF}{message.wamid}" if message is not None and message.wamid else None
        if not set_consent(session, [contact_id], Consent.UNSUBSCRIBED, now, source=SOURCE, proof=proof, actor=actor):
            raise OperatorError("Their consent cannot be changed to unsubscribed.")
        if message is not None and message.recipient_id is not None:
            record_opt_outs(session, [CampaignOptOut(message.recipient_id, OptOutWay.AGENT, now)])
        clear_possible_opt_outs(session, contact_id)
        mark_read(session, conversation_id, until)
        record_audit(session, now, actor, AuditAction.CONSENT, "contact", contact_id, after=Consent.UNSUBSCRIBED.value)


@retry_conflicts
def dismiss_possible_opt_out(rt: Runtime, conversation_id: int, until: datetime, actor: str) -> None:
    """Decide that the person does not want to stop; nothing but the mark changes, and what came up to `until` is read.

    Raises OperatorError if the conversation is not marked or more came since.
    """
    with rt.database.write() as session:
        if not settle_possible_opt_out(session, conversation_id, until):
            raise OperatorError("Nothing was dismissed: somebody did it already, or a new message came.")
        mark_read(session, conversation_id, until)
        contact_id = session.get_one(Conversation, conversation_id).contact_id
        record_audit(
            session, utcnow(), actor, AuditAction.CHANGE, "conversation", conversation_id, contact=contact_id,
            may_want_to_stop=False,
        )  # fmt: skip
