"""Merges two contacts on behalf of an operator, where WhatsApp does not show by itself that they are one person."""

import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from admin.operations.contacts import require_contact
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.contacts.aliases import release_alias
from models.contacts.lookup import require_contact_with_phone
from models.contacts.merge import MergeLeftovers, choose_winner, merge_contacts, merge_leftovers
from models.contacts.person_key import canonical_wa_id
from models.contacts.resolve import lock_identities
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.contact import Contact

_CONTACT_URL = re.compile(r"/contacts/([0-9]{1,15})/?$")


@dataclass(frozen=True)
class MergePreview:
    """The contact that remains, the contact that is merged into it, and the loser's values and ids that are kept as former ones."""

    winner: Contact
    loser: Contact
    leftovers: MergeLeftovers


def preview_merge(rt: Runtime, contact_id: int, other: str) -> MergePreview:
    """What a merge would do. `other`: a phone, or the URL of the contact's page.

    Raises NotAPhoneError if it is neither, and OperatorError if there is no such contact or the two cannot be merged.
    """
    with rt.database.read() as session:
        return _pair(session, *_in_order(session, contact_id, _find(rt, session, other)))


@retry_conflicts
def merge_by_phone(rt: Runtime, contact_id: int, other: str, actor: str) -> int:
    """Merge the two contacts of `preview_merge`; returns the id of the one that remains. Raises the same errors."""
    with rt.database.write() as session:
        lock_identities(session)
        winner_id, loser_id = _in_order(session, contact_id, _find(rt, session, other))
        _merge(session, winner_id, loser_id, actor)
        return winner_id


@retry_conflicts
def merge_records(rt: Runtime, winner_id: int, loser_id: int, actor: str) -> list[str]:
    """Merge the second contact into the first; returns the names of its values that are kept as former ones.

    Raises OperatorError if there is no such contact or the two cannot be merged.
    """
    with rt.database.write() as session:
        lock_identities(session)
        return _merge(session, winner_id, loser_id, actor)


@retry_conflicts
def release_number_alias(rt: Runtime, contact_id: int, alias_id: int, actor: str) -> None:
    """Remove a former phone number of a contact that belongs to somebody else now.

    Raises OperatorError if there is no such contact or number.
    """
    with rt.database.write() as session:
        require_contact(session, contact_id)
        row = release_alias(session, contact_id, alias_id)
        if row is None:
            raise OperatorError("this number does not lead to them any more")
        record_audit(session, utcnow(), actor, AuditAction.RELEASE_NUMBER, "contact", contact_id, alias=alias_id)


def _merge(session: Session, winner_id: int, loser_id: int, actor: str) -> list[str]:
    now = utcnow()
    pair = _pair(session, winner_id, loser_id)
    merge_contacts(session, winner_id, loser_id, now)
    details = {"kept_of_it": pair.leftovers.names} if pair.leftovers.names else {}
    record_audit(session, now, actor, AuditAction.MERGE, "contact", winner_id, merged=loser_id, **details)
    return pair.leftovers.names


def _find(rt: Runtime, session: Session, other: str) -> int:
    if match := _CONTACT_URL.search(other.strip()):
        return int(match[1])
    return require_contact_with_phone(session, other, rt.settings.default_country).id


def _in_order(session: Session, contact_id: int, other_id: int) -> tuple[int, int]:
    """(id of the contact that remains, id of the other)"""
    _check_different(contact_id, other_id)
    for key in (contact_id, other_id):
        require_contact(session, key)
    return choose_winner(session, contact_id, other_id)


def _check_different(one_id: int, other_id: int) -> None:
    if one_id == other_id:
        raise OperatorError("that is this record itself")


def _pair(session: Session, winner_id: int, loser_id: int) -> MergePreview:
    _check_different(winner_id, loser_id)
    winner, loser = require_contact(session, winner_id), require_contact(session, loser_id)
    if len({canonical_wa_id(record.wa_id) for record in (winner, loser) if record.wa_id}) > 1:
        raise OperatorError("they write from two WhatsApp numbers, so they are two people")
    return MergePreview(winner, loser, merge_leftovers(session, winner, loser))
