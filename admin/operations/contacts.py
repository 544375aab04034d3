"""Adds, changes, tags, exports and redacts one contact at a time. Files of contacts are in `jobs.imports.contacts`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.exports.record import record_export
from jobs.core.conflicts import retry_conflicts
from jobs.core.loader import load
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.contacts.aliases import aliases_of, merged_values_of
from models.contacts.consent import ALLOWED, Authority, set_consent
from models.contacts.field_values import PROFILE_FIELDS, FieldValueError
from models.contacts.lookup import require_contact_with_phone
from models.contacts.resolve import surviving_contact_id
from models.contacts.tagging import put_attribute, put_tag, remove_tag
from models.errors import OperatorError
from models.files import replace_file
from models.imports.contact_row import read_columns, read_row
from models.imports.upsert import Origin, match_rows, upsert_rows
from models.privacy.data_export import export_person
from models.privacy.mentions import Mentions, mentions_of
from models.privacy.redact import redact_person
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import Campaign
from models.tables.contact import Consent, Contact
from models.tables.conversation import Case
from models.tables.engagement import Engagement
from models.tables.tag import ContactList, ContactTag, ListMember, Tag

PANEL_FILE = "panel"
"""The origin of a contact that was added by hand, in place of a file's name."""

SUMMARY_FIELDS = (
    "id", "phone", "raw_phone", "wa_id", "name", "first_name", "last_name", "email", "username", "language", "country",
    "time_zone", "consent", "consent_at", "marketing_stopped_at", "last_inbound_at", "created_at", "redacted_at",
)  # fmt: skip
_ID = re.compile(r"[0-9]{1,15}")


@retry_conflicts
def add_contact(rt: Runtime, values: Mapping[str, str], actor: str) -> int:
    """Add a contact from the columns of the public contacts file; returns the id.

    Raises OperatorError, whose text begins with the field's name, if a value is bad or a contact with this phone exists.
    """
    now = utcnow()
    names = [name for name, text in values.items() if text.strip()]
    if "phone" not in names:
        raise OperatorError("phone: it is missing")
    try:
        row = read_row(1, [values[name] for name in names], read_columns(names), rt.settings.default_country)
    except ValueError as error:
        raise OperatorError("{field}: {error}", field=_field_in(str(error)), error=error) from None
    with rt.database.write() as session:
        existing = match_rows(session, [row])
        if existing:
            raise OperatorError("phone: there is a contact with this number already")
        tally = upsert_rows(session, [row], now, Origin(PANEL_FILE, actor, rt.vault))
        if tally.refused:
            raise OperatorError("phone: {refused}", refused=tally.refused[0][1])
        contact_id = match_rows(session, [row])[1]
        record_audit(session, now, actor, AuditAction.ADD, "contact", contact_id)
        return contact_id


@retry_conflicts
def change_contact(rt: Runtime, contact_id: int, values: Mapping[str, str], actor: str) -> None:
    """Set profile fields and attributes by name; an empty text removes the value.

    Raises OperatorError, whose text begins with the field's name, if a value is bad: then nothing was changed.
    """
    now = utcnow()
    with rt.database.write() as session:
        contact = require_contact(session, contact_id)
        changed = []
        for name, text in values.items():
            before = getattr(contact, name) if name in PROFILE_FIELDS else contact.attributes.get(name)
            if (str(before) if before is not None else "") == text.strip():
                continue
            try:
                put_attribute(session, contact_id, name, text.strip() or None, now)
            except FieldValueError as error:
                raise OperatorError("{name}: {error}", name=name, error=error) from None
            changed.append(name)
        if changed:
            record_audit(session, now, actor, AuditAction.UPDATE, "contact", contact_id, fields=sorted(changed))


@retry_conflicts
def tag_contact(rt: Runtime, contact_id: int, name: str, value: str | None, actor: str) -> None:
    """Tag a contact, with a value or without.

    Raises FieldValueError if name or value is bad, and OperatorError if there is no such contact.
    """
    now = utcnow()
    with rt.database.write() as session:
        require_contact(session, contact_id)
        put_tag(session, contact_id, name, value or None, now)
        record_audit(session, now, actor, AuditAction.TAG, "contact", contact_id, tag=name.strip())


@retry_conflicts
def untag_contact(rt: Runtime, contact_id: int, name: str, actor: str) -> None:
    """Remove a tag from a contact. Raises OperatorError if there is no such contact."""
    with rt.database.write() as session:
        require_contact(session, contact_id)
        if remove_tag(session, contact_id, name):
            record_audit(session, utcnow(), actor, AuditAction.UNTAG, "contact", contact_id, tag=name.strip())


def allowed_consents(contact: Contact) -> list[Consent]:
    """The states to which an operator may change the contact's consent."""
    return sorted(ALLOWED[contact.consent].get(Authority.OPERATOR, frozenset()), key=list(Consent).index)


@retry_conflicts
def change_consent(rt: Runtime, contact_id: int, after: str, source: str, proof: str, actor: str) -> None:
    """Change the consent of a contact on behalf of an operator, and write it to the consent ledger.

    Raises OperatorError if there is no such contact, the change is not allowed, or a subscription has no source or one of more
    than 200 characters.
    """
    now = utcnow()
    with rt.database.write() as session:
        contact = require_contact(session, contact_id)
        allowed = allowed_consents(contact)
        if after not in allowed:
            names = ", ".join(allowed) or "nothing: only the person may change it"
            raise OperatorError(
                "consent={after}: it is {consent}; allowed is {names}",
                after=after[:40],
                consent=contact.consent,
                names=names,
            )
        if len(source) > 200:
            raise OperatorError("source: allowed are 200 characters")
        if after == Consent.SUBSCRIBED and not source.strip():
            raise OperatorError("source: say where and how the person agreed")
        proof_text = proof.strip() or None
        set_consent(
            session, [contact_id], Consent(after), now, source=source.strip() or "panel", proof=proof_text, actor=actor
        )
        record_audit(session, now, actor, AuditAction.CONSENT, "contact", contact_id, after=after)


def redact_contact(rt: Runtime, contact_id: int, actor: str) -> None:
    """Redact a contact for good: an import does not bring the person back. Somebody who is redacted already is wiped again.

    Raises OperatorError if there is no such contact, or it was merged into another.
    """
    with rt.database.read() as session:
        contact = session.get(Contact, contact_id)
        known = mentions_of(session, contact) if contact is not None else None
    if known is not None:
        load("jobs.erasure.outside:erase_files")(rt, known)  # by name: only this operation needs Redis
    load("jobs.restore.redaction_file:finish_redaction")(rt, _redact(rt, contact_id, actor))


@retry_conflicts
def _redact(rt: Runtime, contact_id: int, actor: str) -> Mentions:
    now = utcnow()
    with rt.database.write() as session:
        mentions = redact_person(session, contact_id, rt.vault, now, actor)
        if mentions is None:
            raise OperatorError("contact {contact_id}: there is no such contact", contact_id=contact_id)
        record_audit(session, now, actor, AuditAction.REDACT, "contact", contact_id)
        return mentions


def export_contact(rt: Runtime, contact_id: int, actor: str) -> dict[str, Any]:
    """Everything that is stored about a person; the export is audited. Raises OperatorError if there is no such contact."""
    with rt.database.read() as session:
        try:
            data = export_person(session, contact_id)
        except LookupError:
            raise OperatorError("contact {contact_id}: there is no such contact", contact_id=contact_id) from None
    record_export(rt, actor, "contact", contact_id)
    return data


def require_contact(session: Session, contact_id: int) -> Contact:
    """The contact. Raises OperatorError if there is none, or it was merged into another or redacted."""
    contact = session.get(Contact, contact_id)
    if contact is None or contact.merged_into_id is not None or contact.redacted_at is not None:
        raise OperatorError("contact {contact_id}: there is no such contact", contact_id=contact_id)
    return contact


def _field_in(line: str) -> str:
    """The form field that the error of a row is about."""
    for name in ("consent_source", "consent", *PROFILE_FIELDS):
        if line.startswith(name):
            return name
    return "tags" if "tag" in line else "phone"


def find_contact_id(rt: Runtime, who: str) -> int:
    """The id of the contact with this phone (with its +) or id; for a merged record, the id of the one that remains.

    Raises NotAPhoneError if it is neither, and OperatorError if there is no such contact.
    """
    with rt.database.read() as session:
        if _ID.fullmatch(who) is None:
            return require_contact_with_phone(session, who, rt.settings.default_country).id
        contact = session.get(Contact, surviving_contact_id(session, int(who)))
        if contact is None:
            raise OperatorError("contact {who}: there is no such contact", who=who)
        return contact.id


def contact_summary(rt: Runtime, contact_id: int) -> dict[str, Any]:
    """The fields that the top of the contact page shows, and tags, lists, engagement, case and aliases; empty fields left out."""
    with rt.database.read() as session:
        contact = session.get_one(Contact, contact_id)
        fields = {name: getattr(contact, name) for name in SUMMARY_FIELDS}
        return {name: value for name, value in fields.items() if value is not None} | _related(session, contact)


def write_data_export(rt: Runtime, contact_id: int, path: Path, actor: str) -> None:
    """Write everything that is stored about a person to a file of mode 0600, atomically.

    Raises OperatorError if there is no such contact, and OSError if the file cannot be written.
    """
    data = export_contact(rt, contact_id, actor)
    with replace_file(path) as file:
        file.write(json.dumps(data, ensure_ascii=False, indent=2, default=str).encode() + b"\n")


def _related(session: Session, contact: Contact) -> dict[str, Any]:
    tags = select(Tag.name, ContactTag.value).join(ContactTag).where(ContactTag.contact_id == contact.id)
    lists = select(ContactList.name).join(ListMember).where(ListMember.contact_id == contact.id)
    engaged = select(Campaign.name).join(Engagement).where(Engagement.person_key == contact.person_key)
    is_open = (Case.contact_id == contact.id, Case.closed_at.is_(None))
    return {
        "attributes": contact.attributes,
        "tags": {row.name: row.value for row in session.execute(tags.order_by(Tag.name))},
        "lists": list(session.scalars(lists.order_by(ContactList.name))),
        "engaged_in": session.scalar(engaged),
        "has_open_case": session.scalar(select(Case.id).where(*is_open)) is not None,
        "also_found_by": [row.shown for row in aliases_of(session, contact.id)],
        "before_the_merge": [
            {"what": row.kind, "name": row.name, "value": row.value} for row in merged_values_of(session, contact.id)
        ],
    }
