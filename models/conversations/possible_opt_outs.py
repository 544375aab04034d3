"""Keeps which conversations hold a message that may ask to be left alone: "stop it please now" is no certain STOP.

It never changes consent by itself. An agent unsubscribes the person or dismisses it; a STOP of theirs settles it too.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, text
from sqlalchemy.orm import Session

from models.db.bulk import values_cte
from models.db.dialect import NO_SYNC
from models.tables.contact import Consent, Contact
from models.tables.conversation import Conversation, Message
from models.tables.possible_opt_out import PossibleOptOut

SETTLED = (Consent.UNSUBSCRIBED, Consent.REDACTED)
"""Nothing is left to ask of these people."""
_SETTLED_SQL = ", ".join(f"'{consent.value}'" for consent in SETTLED)


def mark_possible_opt_outs(session: Session, wamids: Iterable[str], now: datetime) -> None:
    """Note the stored messages of these ids, given in the order of their time; not those of people who are unsubscribed."""
    ordered = list(wamids)
    if not ordered:
        return
    rows = session.execute(
        select(Message.conversation_id, Message.id, Message.wamid).where(Message.wamid.in_(ordered))
    ).all()
    place = {wamid: number for number, wamid in enumerate(ordered)}
    newest = {row.conversation_id: row.id for row in sorted(rows, key=lambda row: place[str(row.wamid)])}
    if not newest:
        return
    columns = {"id": "bigint", "message_id": "bigint", "at": "timestamptz"}
    values, parameters = values_cte(session, "v", columns, [(key, newest[key], now) for key in sorted(newest)])
    statement = (
        f"WITH {values} INSERT INTO possible_opt_out (conversation_id, message_id, since, latest_at) "  # noqa: S608 - no value is in the text
        "SELECT v.id, v.message_id, v.at, v.at FROM v JOIN conversation AS c ON c.id = v.id "
        f"JOIN contact AS p ON p.id = c.contact_id WHERE p.consent NOT IN ({_SETTLED_SQL}) ORDER BY v.id "
        "ON CONFLICT (conversation_id) DO UPDATE SET message_id = excluded.message_id, latest_at = excluded.latest_at"
    )
    session.execute(text(statement), parameters)


def may_want_to_stop() -> ColumnElement[bool]:
    """A condition on Conversation: it is marked, and the person is not unsubscribed meanwhile."""
    return exists().where(
        PossibleOptOut.conversation_id == Conversation.id,
        Contact.id == Conversation.contact_id,
        Contact.consent.not_in(SETTLED),
    )


def find_possible_opt_out(session: Session, conversation_id: int) -> PossibleOptOut | None:
    """The conversation's mark; None if it has none, or if the person is unsubscribed."""
    return session.scalar(
        select(PossibleOptOut)
        .join(Conversation, Conversation.id == PossibleOptOut.conversation_id)
        .where(PossibleOptOut.conversation_id == conversation_id, may_want_to_stop())
    )


def settle_possible_opt_out(session: Session, conversation_id: int, until: datetime) -> bool:
    """Remove the mark for what came up to `until`. False if there is none or if more came since."""
    settled = session.execute(
        delete(PossibleOptOut)
        .where(PossibleOptOut.conversation_id == conversation_id, PossibleOptOut.latest_at <= until)
        .returning(PossibleOptOut.conversation_id),
        execution_options=NO_SYNC,
    )
    return settled.first() is not None


def clear_possible_opt_outs(session: Session, contact_id: int) -> None:
    """Remove the marks of all conversations of this contact: what they want is certain now, or nobody may know it any more."""
    conversation_ids = select(Conversation.id).where(Conversation.contact_id == contact_id)
    session.execute(
        delete(PossibleOptOut).where(PossibleOptOut.conversation_id.in_(conversation_ids)), execution_options=NO_SYNC
    )


def count_possible_opt_outs(session: Session) -> int:
    """How many conversations hold a message that may ask for an end."""
    return session.scalar(select(func.count()).select_from(marked_conversations().subquery())) or 0


def marked_conversations() -> Select[int]:
    """The ids of the conversations that `may_want_to_stop` holds for, read from the few that are marked."""
    return (
        select(PossibleOptOut.conversation_id)
        .join(Conversation, Conversation.id == PossibleOptOut.conversation_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(Contact.consent.not_in(SETTLED))
    )
