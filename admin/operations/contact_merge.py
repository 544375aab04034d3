"""Making one record of two by an operator's word, for what WhatsApp does not show to be one person by itself."""

import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from admin.operations.contacts import existing
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.contacts.aliases import release_alias
from models.contacts.merge import MergeLeftovers, choose_winner, merge_contacts, merge_leftovers
from models.contacts.phone import canonical_wa_id, mask_phone
from models.contacts.resolve import find_contact, lock_identities
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.contact import Contact

_PAGE = re.compile(r"/contacts/([0-9]{1,15})/?$")


@dataclass(frozen=True)
class MergePreview:
    """Two records: the one that stays, the one that becomes a part of it, and what of that is kept as former."""

    kept: Contact
    merged: Contact
    left: MergeLeftovers


def preview_merge(rt: Runtime, contact_id: int, other: str) -> MergePreview:
    """What merging would do. `other`: a phone, or the address of the record's page. Refused or NotAPhone where it cannot be."""
    with rt.database.read() as session:
        return _pair(session, *_in_order(session, contact_id, _find(rt, session, other)))


def merge_by_phone(rt: Runtime, contact_id: int, other: str, actor: str) -> int:
    """Merge them; the id of the record that stays."""
    with rt.database.write() as session:
        lock_identities(session)
        kept_id, merged_id = _in_order(session, contact_id, _find(rt, session, other))
        _merge(session, kept_id, merged_id, actor)
        return kept_id


def merge_records(rt: Runtime, kept_id: int, merged_id: int, actor: str) -> list[str]:
    """Make the second a part of the first; the names of what is kept of it as former. Refused where it cannot be."""
    with rt.database.write() as session:
        lock_identities(session)
        return _merge(session, kept_id, merged_id, actor)


def release_former_number(rt: Runtime, contact_id: int, former_id: int, actor: str) -> None:
    """A number that the person had before is somebody else's: it leads to them no more. Refused where they have no such."""
    with rt.database.write() as session:
        existing(session, contact_id)
        row = release_alias(session, contact_id, former_id)
        if row is None:
            raise OperatorError("this number does not lead to them any more")
        record_audit(
            session, utcnow(), actor, AuditAction.RELEASE_NUMBER, "contact", contact_id, was=mask_phone(row.shown)
        )


def _merge(session: Session, kept_id: int, merged_id: int, actor: str) -> list[str]:
    now = utcnow()
    pair = _pair(session, kept_id, merged_id)
    merge_contacts(session, kept_id, merged_id, now)
    kept = {"kept_of_it": pair.left.names} if pair.left.names else {}
    record_audit(session, now, actor, AuditAction.MERGE, "contact", kept_id, merged=merged_id, **kept)
    return pair.left.names


def _find(rt: Runtime, session: Session, other: str) -> int:
    if page := _PAGE.search(other.strip()):
        return int(page[1])
    found = find_contact(session, other, rt.settings.default_country)
    if found is None:
        raise OperatorError("there is no contact with this phone")
    return found.id


def _in_order(session: Session, contact_id: int, other_id: int) -> tuple[int, int]:
    """(the one that stays, the other)"""
    _check_different(contact_id, other_id)
    for key in (contact_id, other_id):
        existing(session, key)
    return choose_winner(session, contact_id, other_id)


def _check_different(one_id: int, other_id: int) -> None:
    if one_id == other_id:
        raise OperatorError("that is this record itself")


def _pair(session: Session, kept_id: int, merged_id: int) -> MergePreview:
    _check_different(kept_id, merged_id)
    kept, merged = existing(session, kept_id), existing(session, merged_id)
    if len({canonical_wa_id(record.wa_id) for record in (kept, merged) if record.wa_id}) > 1:
        raise OperatorError("they write from two WhatsApp numbers, so they are two people")
    return MergePreview(kept, merged, merge_leftovers(session, kept, merged))
