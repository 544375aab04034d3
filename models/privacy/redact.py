"""Redacts a person permanently.

Anonymous rows remain: that a message was sent and when, so that the figures of past campaigns do not change; and a keyed hash of
each of their numbers and ids, so that a later import cannot bring them back. What is wiped how is in models.privacy.tables.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, func, select, update
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP, aliases_held_by_others
from models.contacts.consent import append_events, cancel_queued
from models.contacts.resolve import lock_identities
from models.contacts.user_ids import forget_user_ids
from models.crypto import Vault
from models.db.dialect import NO_SYNC, insert_into
from models.privacy.contact_columns import BLANK_CONTACT
from models.privacy.mentions import (
    REDACTED,
    Mentions,
    mentions_of,
    wipe_audiences,
    wipe_audit,
    wipe_dead_letters,
    wipe_parked_statuses,
    wipe_segments,
)
from models.privacy.person_keys import ANONYMOUS, keys_of
from models.privacy.retention import REPEATED_FOR, store_hashes
from models.privacy.store import Blank, Delete, Special
from models.privacy.tables import TABLES
from models.stored_texts import CONTACT_REDACTED
from models.tables import metadata
from models.tables.contact import Consent, ConsentEvent, Contact, Suppression
from models.tables.conversation import (
    Case,
    CaseStatus,
    Conversation,
    Direction,
    Message,
    MessageState,
)
from models.tables.engagement import LedgerEntry
from models.tables.flow import Action, ActionState, FlowSession, SessionStatus
from models.tables.recipient import Recipient
from models.tables.recipient_try import RecipientTry
from models.tables.shop import ShopCustomerRead, ShopCustomerWithoutPhone, ShopOptOut

NAMELESS = "x:"
"""Prefix of the person_key of a redacted person; a keyed hash follows."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is known of the person before they are wiped. `ids`: their record and those that were merged into it.

    `keys` are all by which they could come back, `own_keys` those that nobody else has now.
    """

    contact: Contact
    ids: Sequence[int]
    keys: Sequence[str]
    own_keys: frozenset[str]
    mentions: Mentions
    vault: Vault
    now: datetime


def redact_person(
    session: Session, contact_id: int, vault: Vault, now: datetime, actor: str, reason: str = "redacted"
) -> Mentions | None:
    """Redact a person permanently; return what named them, to be removed from files too.

    Somebody who is redacted already is wiped again. None if there is no such contact, or it was merged into another.
    """
    lock_identities(session)
    ids = session.scalars(
        select(Contact.id)
        .where((Contact.id == contact_id) | (Contact.merged_into_id == contact_id))
        .order_by(Contact.id)
        .with_for_update()
    ).all()
    contact = session.get(Contact, contact_id, populate_existing=True) if contact_id in ids else None
    if contact is None or contact.merged_into_id is not None:
        return None
    was_redacted = contact.redacted_at is not None
    keys = _person_keys(session, contact)
    redaction = Redaction(
        contact,
        ids,
        keys,
        frozenset(set(keys) - aliases_held_by_others(session, contact_id, keys)),
        mentions_of(session, contact),
        vault,
        now,
    )
    suppress(session, [vault.person_hash(key) for key in sorted(redaction.own_keys)], reason, now)
    for wipe in (_wipe_mentions, _settle, _keep_wamid_hashes, _wipe_rows):
        wipe(session, redaction)
    if not was_redacted:
        event = {"before": contact.consent, "after": Consent.REDACTED, "at": now, "source": reason[:200], "proof": None}
        append_events(session, [event | {"contact_id": contact_id, "actor": actor}])
    session.expire_all()
    return redaction.mentions


def _person_keys(session: Session, contact: Contact) -> list[str]:
    """Return every key by which this person could be imported again, including aliases."""
    of_campaigns = session.scalars(select(Recipient.person_key).where(Recipient.contact_id == contact.id))
    keys = {key for key in of_campaigns if not key.startswith(ANONYMOUS)}
    return sorted(keys | keys_of(session, [contact])[contact.id])


def suppress(session: Session, hashes: Iterable[str], reason: str, now: datetime) -> None:
    """Keep out who is known by these (`Vault.person_hash`)."""
    rows = [{"person_hash": hashed, "reason": reason[:200], "created_at": now} for hashed in hashes]
    if rows:
        statement = insert_into(session, Suppression.__table__).on_conflict_do_nothing(index_elements=["person_hash"])
        session.connection().execute(statement, rows)


def wipe_late_mentions(session: Session, mentions: Mentions) -> None:
    """Remove once more what names the person from events, audiences and segments: one may have been written meanwhile."""
    wipe_audiences(session, mentions)
    wipe_segments(session, mentions)
    wipe_dead_letters(session, mentions)
    wipe_parked_statuses(session, (), mentions)


def _wipe_mentions(session: Session, redaction: Redaction) -> None:
    """What names them elsewhere, before the rows are emptied by which it is found."""
    for store in TABLES:
        if isinstance(store.erase, Special) and store.erase in _MENTIONING:
            _MENTIONING[store.erase](session, redaction)


def _wipe_rows(session: Session, redaction: Redaction) -> None:
    """Their own rows, in the order of the list."""
    for store in TABLES:
        table = metadata.tables[store.name]
        if isinstance(store.erase, Delete):
            is_theirs = _is_theirs(table, store.erase, redaction.ids)
            session.execute(delete(table).where(is_theirs), execution_options=NO_SYNC)
        elif isinstance(store.erase, Blank):
            is_theirs = _is_theirs(table, store.erase, redaction.ids)
            values = dict(store.erase.values)
            session.execute(update(table).where(is_theirs).values(values), execution_options=NO_SYNC)
        elif isinstance(store.erase, Special) and store.erase in _OWN:
            _OWN[store.erase](session, redaction)


def _is_theirs(table: Table, rule: Delete | Blank, ids: Sequence[int]) -> Any:
    column = table.c[rule.link.value]
    if rule.link.parent is None:
        return column.in_(ids)
    parent = metadata.tables[rule.link.parent]
    return column.in_(select(parent.c.id).where(parent.c.contact_id.in_(ids)))


def _settle(session: Session, redaction: Redaction) -> None:
    """End what still waits: messages, cases, bot flows and their actions, queued recipients."""
    ids, now = redaction.ids, redaction.now
    conversation_ids = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    session_ids = select(FlowSession.id).where(FlowSession.contact_id.in_(ids))
    is_theirs = Message.conversation_id.in_(conversation_ids)
    is_queued, is_in = Message.state == MessageState.QUEUED, Message.direction == Direction.IN
    is_open = Action.state.in_((ActionState.PENDING, ActionState.CLAIMED))
    _update(
        session,
        update(Message).where(is_theirs, is_queued).values(state=MessageState.NOT_SENT, failed_at=now),
        update(Message).where(is_theirs, is_in, Message.handled_at.is_(None)).values(handled_at=now),
        update(Case)
        .where(Case.contact_id.in_(ids), Case.closed_at.is_(None))
        .values(status=CaseStatus.RESOLVED, closed_at=now, closed_by="redacted"),
        update(Action)
        .where(Action.session_id.in_(session_ids), is_open)
        .values(state=ActionState.CANCELLED, done_at=now),
        update(FlowSession)
        .where(FlowSession.contact_id.in_(ids))
        .values(
            version=FlowSession.version + 1,
            status=SessionStatus.ENDED,
            ended_at=func.coalesce(FlowSession.ended_at, now),
            ended_reason=func.coalesce(FlowSession.ended_reason, "redacted"),
        ),
    )
    cancel_queued(session, ids, CONTACT_REDACTED())
    for key in redaction.keys:
        anonymous_key = f"{NAMELESS}{redaction.vault.person_hash(key)}"
        is_key = Recipient.person_key == key
        _update(
            session, update(Recipient).where(Recipient.contact_id.in_(ids), is_key).values(person_key=anonymous_key)
        )


def _keep_wamid_hashes(session: Session, redaction: Redaction) -> None:
    """The ids of messages contain the number. Their hashes stay as long as Meta may deliver the messages again."""
    conversation_ids = select(Conversation.id).where(Conversation.contact_id.in_(redaction.ids))
    recent = Message.at >= redaction.now - REPEATED_FOR
    of_chats = select(Message.wamid).where(
        Message.conversation_id.in_(conversation_ids), Message.wamid.is_not(None), recent
    )
    of_campaigns = select(Recipient.wamid).where(
        Recipient.contact_id.in_(redaction.ids),
        Recipient.wamid.is_not(None),
        Recipient.claimed_at >= redaction.now - REPEATED_FOR,
    )
    of_tries = select(RecipientTry.wamid).where(
        RecipientTry.contact_id.in_(redaction.ids),
        RecipientTry.wamid.is_not(None),
        RecipientTry.claimed_at >= redaction.now - REPEATED_FOR,
    )
    wamids = [wamid for query in (of_chats, of_campaigns, of_tries) for wamid in session.scalars(query)]
    store_hashes(session, [wamid for wamid in wamids if wamid], redaction.now)


def _wipe_ledger(session: Session, redaction: Redaction) -> None:
    for key in redaction.own_keys:
        anonymous_key = f"{NAMELESS}{redaction.vault.person_hash(key)}"
        _update(session, update(LedgerEntry).where(LedgerEntry.person_key == key).values(person_key=anonymous_key))


def _wipe_consent_events(session: Session, redaction: Redaction) -> None:
    """Clear proofs of consent events, and redact sources that mention the person; time and actor stay."""
    contact = redaction.contact
    of_contact = ConsentEvent.contact_id.in_(redaction.ids)
    names = [part for part in (contact.name, contact.first_name, contact.last_name) if part]
    for event_id, source in session.execute(select(ConsentEvent.id, ConsentEvent.source).where(of_contact)).all():
        if redaction.mentions.matches(source) or any(part in source for part in names):
            _update(session, update(ConsentEvent).where(ConsentEvent.id == event_id).values(source=REDACTED))
    _update(session, update(ConsentEvent).where(of_contact).values(proof=None))


def _wipe_shop(session: Session, redaction: Redaction) -> None:
    """What is kept of them as a shop's customer."""
    ids = [key.removeprefix(SHOP) for key in redaction.keys if key.startswith(SHOP)]
    for table in (ShopCustomerWithoutPhone, ShopCustomerRead, ShopOptOut):
        session.execute(delete(table).where(table.customer_id.in_(ids)), execution_options=NO_SYNC)


def _wipe_contact(session: Session, redaction: Redaction) -> None:
    contact, now = redaction.contact, redaction.now
    losers = [key for key in redaction.ids if key != contact.id]
    _update(session, update(Contact).where(Contact.id.in_(losers)).values(BLANK_CONTACT))
    values: dict[str, Any] = {**BLANK_CONTACT, "updated_at": now}
    if contact.redacted_at is None:
        values |= {
            "has_identity": False,
            "person_key": f"{NAMELESS}{redaction.vault.person_hash(contact.person_key)}",
            "consent": Consent.REDACTED,
            "consent_at": now,
            "redacted_at": now,
        }
    _update(session, update(Contact).where(Contact.id == contact.id).values(values))


def _update(session: Session, *statements: Any) -> None:
    for statement in statements:
        session.execute(statement, execution_options=NO_SYNC)


Wipe = Callable[[Session, Redaction], None]
_MENTIONING: Mapping[Special, Wipe] = {
    Special.AUDIENCES: lambda session, it: wipe_audiences(session, it.mentions),
    Special.SEGMENTS: lambda session, it: wipe_segments(session, it.mentions),
    Special.AUDIT: lambda session, it: wipe_audit(session, it.ids, it.mentions),
    Special.DEAD_LETTERS: lambda session, it: wipe_dead_letters(session, it.mentions),
    Special.PARKED: lambda session, it: wipe_parked_statuses(session, it.ids, it.mentions),
}
_OWN: Mapping[Special, Wipe] = {
    Special.CONSENT: _wipe_consent_events,
    Special.LEDGER: _wipe_ledger,
    Special.USER_IDS: lambda session, it: forget_user_ids(session, it.keys),
    Special.SHOP: _wipe_shop,
    Special.CONTACT: _wipe_contact,
}
