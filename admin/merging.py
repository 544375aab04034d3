"""Making one record of two by an operator's word, for what WhatsApp does not show to be one person by itself."""

import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from admin.contacts import existing
from jobs.runtime import Runtime
from models.clock import utcnow
from models.contact import Contact
from models.contact_book import find_contact, lock_contact_book
from models.merge import MergeError, choose_winner, merge
from models.phone import canonical_wa_id
from models.refusal import Refused
from models.user import record_audit

_PAGE = re.compile(r"/contacts/([0-9]{1,15})/?$")


@dataclass(frozen=True)
class Pair:
    """Two records: the one that stays, and the one that becomes a part of it."""

    kept: Contact
    merged: Contact


def look_at_pair(rt: Runtime, contact_id: int, other: str) -> Pair:
    """What merging would do. `other`: a phone, or the address of the record's page. Refused or NotAPhone where it cannot be."""
    with rt.database.read() as session:
        return _pair(session, contact_id, _find(rt, session, other))


def merge_by_hand(rt: Runtime, contact_id: int, other: str, actor: str) -> int:
    """Merge them; the id of the record that stays."""
    now = utcnow()
    with rt.database.write() as session:
        lock_contact_book(session)
        pair = _pair(session, contact_id, _find(rt, session, other))
        kept_id, merged_id = pair.kept.id, pair.merged.id
        try:
            merge(session, kept_id, merged_id, now)
        except MergeError as error:
            raise Refused(str(error)) from None
        record_audit(session, now, actor, "merge", "contact", kept_id, merged=merged_id)
        return kept_id


def _find(rt: Runtime, session: Session, other: str) -> int:
    if page := _PAGE.search(other.strip()):
        return int(page[1])
    found = find_contact(session, other, rt.settings.default_country)
    if found is None:
        raise Refused("there is no contact with this phone")
    return found.id


def _pair(session: Session, contact_id: int, other_id: int) -> Pair:
    if contact_id == other_id:
        raise Refused("that is this record itself")
    records = {key: existing(session, key) for key in (contact_id, other_id)}
    numbers = {canonical_wa_id(record.wa_id) for record in records.values() if record.wa_id}
    if len(numbers) > 1:
        raise Refused("they write from two WhatsApp numbers, so they are two people")
    kept_id, merged_id = choose_winner(session, contact_id, other_id)
    return Pair(records[kept_id], records[merged_id])
