"""Resolves the sender of every inbound message of a batch to a contact id.

Most senders match exactly one contact by wa_id or number. What is new about them (wa_id, BSUID, name, username) is stored for
the whole batch at once. A sender who is new or matches several contacts is resolved one by one (models.contacts.resolve).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.contacts.aliases import aliased_contacts
from models.contacts.erased import is_erased
from models.contacts.identity import Identity
from models.contacts.lookup import named_by
from models.contacts.number_change import change_number
from models.contacts.person_key import person_key
from models.contacts.resolve import resolve_unless_erased
from models.contacts.user_id_change import change_user_id, latest_identity
from models.contacts.user_ids import remember_user_id, replaced_user_ids
from models.db.bulk import values_cte
from models.db.dialect import insert_into
from models.events.types import InboundMessage, Sender
from models.tables.contact import Contact, ContactIdentity

_COLUMNS = {
    "id": "bigint", "wa_id": "text", "name": "text", "username": "text", "has_identity": "boolean", "at": "timestamptz",
}  # fmt: skip
_LEARN = (
    "UPDATE contact AS c SET wa_id = COALESCE(c.wa_id, v.wa_id), name = CASE WHEN c.name = '' THEN v.name ELSE c.name END, "
    "username = COALESCE(v.username, c.username), has_identity = (c.has_identity OR v.has_identity), updated_at = v.at "
    "FROM v WHERE c.id = v.id"
)


@dataclass(slots=True)
class _BatchContact:
    """A contact as stored, updated by the messages of the batch. `bsuids` are new pairs of portfolio id and sender."""

    contact_id: int
    wa_id: str | None
    name: str
    username: str | None
    is_changed: bool = False
    bsuids: list[tuple[int, Sender]] = field(default_factory=list)


class _SenderIndex:
    """The stored contacts of a batch's senders, by person key, wa_id and BSUID."""

    def __init__(self, session: Session, messages: Sequence[InboundMessage], portfolios: Sequence[int]) -> None:
        self.session = session
        wa_ids = {message.sender.wa_id: _key(message.sender) for message in messages if message.sender.wa_id}
        keys = set(wa_ids.values())
        columns = (Contact.id, Contact.wa_id, Contact.name, Contact.username, Contact.person_key, Contact.phone)
        rows = session.execute(select(*columns).where(*named_by(keys, wa_ids))).all()
        self._holders = {row.wa_id: row.id for row in rows if row.wa_id}
        count_by_key: dict[str, int] = {}
        for row in rows:
            count_by_key[row.person_key] = count_by_key.get(row.person_key, 0) + 1
        # A contact without a phone has to get its number, and two contacts of one number have to be merged: not here.
        self._by_key = {
            row.person_key: _BatchContact(row.id, row.wa_id, row.name, row.username)
            for row in rows
            if count_by_key[row.person_key] == 1 and row.phone
        }
        senders = [(portfolio_id, message.sender) for message, portfolio_id in zip(messages, portfolios, strict=True)]
        pairs = {(portfolio_id, who.bsuid) for portfolio_id, who in senders if who.bsuid}
        self._by_bsuid = self._bsuids(pairs)
        self._replaced = replaced_user_ids(session, pairs)

    def find(self, sender: Sender, portfolio_id: int) -> int | None:
        """The contact id if the sender matches this contact only, else None. Notes what is new about the contact for `store`."""
        contact = self._by_key.get(_key(sender)) if sender.wa_id else None
        if contact is None or contact.wa_id not in {None, sender.wa_id}:
            return None
        if sender.wa_id and self._holders.setdefault(sender.wa_id, contact.contact_id) != contact.contact_id:
            return None  # another contact has this wa_id, under another person key
        if sender.bsuid:
            if (portfolio_id, sender.bsuid) in self._replaced:
                return None  # Meta has reported the person's next id already
            owner_id = self._by_bsuid.setdefault((portfolio_id, sender.bsuid), None)
            if owner_id is None:
                self._by_bsuid[portfolio_id, sender.bsuid] = contact.contact_id
                contact.bsuids.append((portfolio_id, sender))
            elif owner_id != contact.contact_id:
                return None
        if contact.wa_id is None or (sender.name and not contact.name):
            contact.is_changed = True
        if sender.username and sender.username != contact.username:
            contact.username, contact.is_changed = sender.username, True
        contact.wa_id, contact.name = sender.wa_id, contact.name or sender.name or ""
        return contact.contact_id

    def store(self, now: datetime) -> None:
        """Write what `find` noted."""
        contacts = sorted(self._by_key.values(), key=lambda contact: contact.contact_id)
        rows = [
            (contact.contact_id, contact.wa_id, contact.name, contact.username, bool(contact.bsuids), now)
            for contact in contacts
            if contact.is_changed or contact.bsuids
        ]
        identities = [
            {
                "contact_id": contact.contact_id,
                "portfolio_id": portfolio_id,
                "bsuid": sender.bsuid,
                "parent_bsuid": sender.parent_bsuid,
                "created_at": now,
            }
            for contact in contacts
            for portfolio_id, sender in contact.bsuids
        ]
        if rows:
            values, parameters = values_cte(self.session, "v", _COLUMNS, rows)
            self.session.execute(text(f"WITH {values} {_LEARN}"), parameters)
        if identities:
            statement = insert_into(self.session, ContactIdentity.__table__)
            self.session.execute(statement.on_conflict_do_nothing(), identities)
        for contact in contacts:
            contact.is_changed, contact.bsuids = False, []

    def _bsuids(self, pairs: set[tuple[int, str]]) -> dict[tuple[int, str], int | None]:
        """The contact id by (portfolio id, BSUID), also by an earlier BSUID of the contact."""
        if not pairs:
            return {}
        keys = {
            person_key(portfolio_id=portfolio_id, bsuid=bsuid): (portfolio_id, bsuid) for portfolio_id, bsuid in pairs
        }
        contact_ids: dict[tuple[int, str], int | None] = {}
        contact_ids |= {keys[key]: contact_id for key, contact_id in aliased_contacts(self.session, keys).items()}
        columns = (ContactIdentity.portfolio_id, ContactIdentity.bsuid, ContactIdentity.contact_id)
        bsuids = sorted({bsuid for _, bsuid in pairs})
        rows = self.session.execute(select(*columns).where(ContactIdentity.bsuid.in_(bsuids)))
        return contact_ids | {(row.portfolio_id, row.bsuid): row.contact_id for row in rows}


def resolve_senders(
    session: Session, messages: Sequence[InboundMessage], portfolios: Sequence[int], now: datetime
) -> dict[str, int]:
    """The contact id by wamid. Contacts are created and merged where necessary. Left out are a change of a user id that nobody has,
    and what was said before its person was redacted.

    `messages` are in the order of Meta's time; `portfolios` holds the portfolio id of each message's number, in the same order.
    """
    index = _SenderIndex(session, messages, portfolios)
    contact_ids: dict[str, int] = {}
    rest: list[tuple[InboundMessage, int]] = []
    moving = {
        _key(sender)
        for message in messages
        for sender in (message.moved_to, message.sender)
        if message.moved_to and sender and sender.wa_id
    }
    for message, portfolio_id in zip(messages, portfolios, strict=True):
        # The new number of a person may belong to somebody else before the change, and the old one after it, so messages of
        # both are resolved one by one, in the order of time.
        is_moving = message.moved_to is not None or (message.sender.wa_id and _key(message.sender) in moving)
        contact_id = None if is_moving else index.find(message.sender, portfolio_id)
        if contact_id is None:
            rest.append((message, portfolio_id))
        else:
            contact_ids[message.wamid] = contact_id
    index.store(now)
    for message, portfolio_id in rest:
        resolved_id = _resolve(session, message, portfolio_id, now)
        if resolved_id is not None:
            contact_ids[message.wamid] = resolved_id
    return _surviving(session, contact_ids) if rest else contact_ids


def _resolve(session: Session, message: InboundMessage, portfolio_id: int, now: datetime) -> int | None:
    """Resolve one sender, and apply a change of number or user id.

    None for a change of a user id that nobody has, and for what was said before its person was redacted.
    """
    before = identity(message.sender, portfolio_id, message.at)
    if message.moved_to is None:
        return resolve_unless_erased(session, before, now)
    after = identity(message.moved_to, portfolio_id, message.at)
    if is_erased(session, [*before.keys, *after.keys], message.at):
        return None
    has_both = before.has_bsuid and after.has_bsuid and before.bsuid != after.bsuid
    if message.is_user_id_change:
        return change_user_id(session, before, after, now) if has_both else None
    contact_id = resolve_unless_erased(session, before, now)
    if contact_id is None:
        return None
    if has_both:
        remember_user_id(session, portfolio_id, before.bsuid or "", after.bsuid or "", message.at, now)
    return change_number(session, contact_id, latest_identity(session, after), now)


def identity(sender: Sender, portfolio_id: int, at: datetime) -> Identity:
    """The identity of a sender as a webhook shows it; `at` is Meta's time."""
    return Identity(
        wa_id=sender.wa_id,
        portfolio_id=portfolio_id,
        bsuid=sender.bsuid,
        parent_bsuid=sender.parent_bsuid,
        name=sender.name,
        username=sender.username,
        at=at,
    )


def _key(sender: Sender) -> str:
    return person_key(wa_id=sender.wa_id)


def _surviving(session: Session, contact_ids: dict[str, int]) -> dict[str, int]:
    """Replace contacts that later messages of the batch merged into others."""
    rows = session.execute(
        select(Contact.id, Contact.merged_into_id).where(
            Contact.id.in_(set(contact_ids.values())), Contact.merged_into_id.is_not(None)
        )
    )
    merged = {row.id: row.merged_into_id for row in rows}
    return {wamid: merged.get(contact_id, contact_id) for wamid, contact_id in contact_ids.items()}
