"""Whose messages a batch holds: the contact of each.

Most people who write are known, by their wa_id or at least by their number, and what is new about them (their wa_id at their
first reply, a BSUID, a name) is learned for the whole batch at once. Who is new, or may be somebody else too, is left to the
contact book.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.contacts.aliases import aliased_contacts
from models.contacts.identity import Identity
from models.contacts.lookup import named_by
from models.contacts.number_change import change_number
from models.contacts.phone import person_key
from models.contacts.resolve import SOURCE, resolve_contact
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
class _Known:
    """A record of the book, and what the batch has shown of it besides."""

    contact_id: int
    wa_id: str | None
    name: str
    username: str | None
    has_news: bool = False
    bsuids: list[tuple[int, Sender]] = field(default_factory=list)


class _SenderIndex:
    """What the book says about the senders of a batch."""

    def __init__(self, session: Session, messages: Sequence[InboundMessage], portfolios: Sequence[int]) -> None:
        self.session = session
        wa_ids = {message.sender.wa_id: _key(message.sender) for message in messages if message.sender.wa_id}
        keys = set(wa_ids.values())
        columns = (Contact.id, Contact.wa_id, Contact.name, Contact.username, Contact.person_key, Contact.phone)
        rows = session.execute(select(*columns).where(*named_by(keys, wa_ids))).all()
        self._holders = {row.wa_id: row.id for row in rows if row.wa_id}
        counted: dict[str, int] = {}
        for row in rows:
            counted[row.person_key] = counted.get(row.person_key, 0) + 1
        # Without a phone there is a number to learn as well, and two records of one number have to be merged.
        self._by_key = {
            row.person_key: _Known(row.id, row.wa_id, row.name, row.username)
            for row in rows
            if counted[row.person_key] == 1 and row.phone
        }
        senders = [(portfolio_id, message.sender) for message, portfolio_id in zip(messages, portfolios, strict=True)]
        self._by_bsuid = self._bsuids({(portfolio_id, who.bsuid) for portfolio_id, who in senders if who.bsuid})

    def find(self, sender: Sender, portfolio_id: int) -> int | None:
        """The contact, if this is certainly them and nobody else; what is new is noted."""
        known = self._by_key.get(_key(sender)) if sender.wa_id else None
        if known is None or known.wa_id not in {None, sender.wa_id}:
            return None
        if sender.wa_id and self._holders.setdefault(sender.wa_id, known.contact_id) != known.contact_id:
            return None  # another record has the very wa_id, under another key
        if sender.bsuid:
            held_by = self._by_bsuid.setdefault((portfolio_id, sender.bsuid), None)
            if held_by is None:
                self._by_bsuid[portfolio_id, sender.bsuid] = known.contact_id
                known.bsuids.append((portfolio_id, sender))
            elif held_by != known.contact_id:
                return None
        if known.wa_id is None or (sender.name and not known.name):
            known.has_news = True
        if sender.username and sender.username != known.username:
            known.username, known.has_news = sender.username, True
        known.wa_id, known.name = sender.wa_id, known.name or sender.name or ""
        return known.contact_id

    def learn(self, now: datetime) -> None:
        """Write what was noted."""
        found = sorted(self._by_key.values(), key=lambda known: known.contact_id)
        rows = [
            (known.contact_id, known.wa_id, known.name, known.username, bool(known.bsuids), now)
            for known in found
            if known.has_news or known.bsuids
        ]
        identities = [
            {
                "contact_id": known.contact_id,
                "portfolio_id": portfolio_id,
                "bsuid": sender.bsuid,
                "parent_bsuid": sender.parent_bsuid,
                "created_at": now,
            }
            for known in found
            for portfolio_id, sender in known.bsuids
        ]
        if rows:
            values, parameters = values_cte(self.session, "v", _COLUMNS, rows)
            self.session.execute(text(f"WITH {values} {_LEARN}"), parameters)
        if identities:
            statement = insert_into(self.session, ContactIdentity.__table__)
            self.session.execute(statement.on_conflict_do_nothing(), identities)
        for known in found:
            known.has_news, known.bsuids = False, []

    def _bsuids(self, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], int | None]:
        """Whose each is, or was before they moved."""
        if not wanted:
            return {}
        keys = {
            person_key(portfolio_id=portfolio_id, bsuid=bsuid): (portfolio_id, bsuid) for portfolio_id, bsuid in wanted
        }
        found: dict[tuple[int, str], int | None] = {}
        found |= {keys[key]: contact_id for key, contact_id in aliased_contacts(self.session, keys).items()}
        columns = (ContactIdentity.portfolio_id, ContactIdentity.bsuid, ContactIdentity.contact_id)
        bsuids = sorted({bsuid for _, bsuid in wanted})
        rows = self.session.execute(select(*columns).where(ContactIdentity.bsuid.in_(bsuids)))
        return found | {(row.portfolio_id, row.bsuid): row.contact_id for row in rows}


def resolve_senders(
    session: Session, messages: Sequence[InboundMessage], portfolios: Sequence[int], now: datetime
) -> dict[str, int]:
    """wamid → contact id, made or merged where it must be. `messages` in the order of Meta's time, `portfolios` beside them."""
    book = _SenderIndex(session, messages, portfolios)
    found: dict[str, int] = {}
    rest: list[tuple[InboundMessage, int]] = []
    moving = {
        _key(sender)
        for message in messages
        for sender in (message.moved_to, message.sender)
        if message.moved_to and sender and sender.wa_id
    }
    for message, portfolio_id in zip(messages, portfolios, strict=True):
        # A number that somebody moves to may be another person's until they have, and the one that they leave another's
        # afterwards: that goes in the order of time.
        is_moving = message.moved_to is not None or (message.sender.wa_id and _key(message.sender) in moving)
        contact_id = None if is_moving else book.find(message.sender, portfolio_id)
        if contact_id is None:
            rest.append((message, portfolio_id))
        else:
            found[message.wamid] = contact_id
    book.learn(now)
    for message, portfolio_id in rest:
        contact_id = resolve_contact(session, identity(message.sender, portfolio_id, message.at), now, SOURCE)
        if message.moved_to is not None:
            contact_id = change_number(session, contact_id, identity(message.moved_to, portfolio_id, message.at), now)
        found[message.wamid] = contact_id
    return _survivors(session, found) if rest else found


def identity(sender: Sender, portfolio_id: int, at: datetime) -> Identity:
    """What a webhook shows of a person, `at` Meta's time."""
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


def _survivors(session: Session, found: dict[str, int]) -> dict[str, int]:
    """A record that was found early may have been merged into another by what the book learned later."""
    rows = session.execute(
        select(Contact.id, Contact.merged_into_id).where(
            Contact.id.in_(set(found.values())), Contact.merged_into_id.is_not(None)
        )
    )
    merged = {row.id: row.merged_into_id for row in rows}
    return {wamid: merged.get(contact_id, contact_id) for wamid, contact_id in found.items()}
