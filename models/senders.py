"""Whose messages a batch holds: the contact of each, found at once where nothing about the person is new."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contact import Contact, ContactIdentity
from models.contact_book import Identity, change_number, find_or_create
from models.event import Inbound, Sender

SOURCE = "whatsapp"


class _Known(NamedTuple):
    contact_id: int
    has_name: bool
    username: str | None


def contacts_of(
    session: Session, messages: Sequence[Inbound], portfolios: Sequence[int], now: datetime
) -> dict[str, int]:
    """wamid → contact id, made or merged where it must be. `messages` in the order of Meta's time, `portfolios` beside them."""
    by_wa_id = _known_wa_ids(session, messages)
    by_bsuid = _known_bsuids(session, messages)
    found: dict[str, int] = {}
    looked_up = False
    for message, portfolio_id in zip(messages, portfolios, strict=True):
        sender = message.sender
        contact_id = None if looked_up else _unchanged(sender, portfolio_id, by_wa_id, by_bsuid)
        if contact_id is None:
            contact_id = find_or_create(session, identity(sender, portfolio_id), now, SOURCE)
            looked_up = True  # records may have been merged: from here on nothing that was read before is relied on
        if message.moved_to is not None:
            contact_id = change_number(session, contact_id, identity(message.moved_to, portfolio_id), now)
            looked_up = True
        found[message.wamid] = contact_id
    return _survivors(session, found) if looked_up else found


def identity(sender: Sender, portfolio_id: int) -> Identity:
    """What a webhook shows of a person."""
    return Identity(
        wa_id=sender.wa_id,
        portfolio_id=portfolio_id,
        bsuid=sender.bsuid,
        parent_bsuid=sender.parent_bsuid,
        name=sender.name,
        username=sender.username,
    )


def _unchanged(
    sender: Sender, portfolio_id: int, by_wa_id: dict[str, _Known], by_bsuid: dict[tuple[int, str], int]
) -> int | None:
    """The contact, if every id that was shown is known to be theirs and there is nothing to learn."""
    known = by_wa_id.get(sender.wa_id or "")
    if known is None or (sender.name and not known.has_name):
        return None
    if sender.username and sender.username != known.username:
        return None
    if sender.bsuid and by_bsuid.get((portfolio_id, sender.bsuid)) != known.contact_id:
        return None
    return known.contact_id


def _known_wa_ids(session: Session, messages: Iterable[Inbound]) -> dict[str, _Known]:
    wa_ids = {message.sender.wa_id for message in messages if message.sender.wa_id}
    rows = session.execute(
        select(Contact.wa_id, Contact.id, Contact.name, Contact.username).where(Contact.wa_id.in_(wa_ids))
    )
    return {row.wa_id: _Known(row.id, bool(row.name), row.username) for row in rows}


def _known_bsuids(session: Session, messages: Iterable[Inbound]) -> dict[tuple[int, str], int]:
    bsuids = {message.sender.bsuid for message in messages if message.sender.bsuid}
    if not bsuids:
        return {}
    rows = session.execute(
        select(ContactIdentity.portfolio_id, ContactIdentity.bsuid, ContactIdentity.contact_id).where(
            ContactIdentity.bsuid.in_(bsuids)
        )
    )
    return {(row.portfolio_id, row.bsuid): row.contact_id for row in rows}


def _survivors(session: Session, found: dict[str, int]) -> dict[str, int]:
    """A record that was looked up early may have been merged into another by a later message of the batch."""
    rows = session.execute(
        select(Contact.id, Contact.merged_into_id).where(
            Contact.id.in_(set(found.values())), Contact.merged_into_id.is_not(None)
        )
    )
    merged = {row.id: row.merged_into_id for row in rows}
    return {wamid: merged.get(contact_id, contact_id) for wamid, contact_id in found.items()}
