"""One person for the command line: found by phone or number of the record, shown, and written to a file."""

import json
import os
import re
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.contacts import export_contact, find_by_phone
from jobs.core.runtime import Runtime
from jobs.imports.rejects import open_private
from models.contacts.aliases import ids_of, values_of_person
from models.contacts.resolve import survivor_id
from models.errors import Refused
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.conversation import Case
from models.tables.engagement import Engagement
from models.tables.tag import ContactList, ContactTag, ListMember, Tag

OWN = ("id", "phone", "raw_phone", "wa_id", "name", "first_name", "last_name", "email", "username", "language", "country",
       "time_zone", "consent", "consent_at", "marketing_stopped_at", "last_inbound_at", "created_at", "redacted_at")  # fmt: skip
_ID = re.compile(r"[0-9]{1,15}")


def find_person(rt: Runtime, who: str) -> int:
    """The record of a phone with its +, or of a number of a record; of one that was merged, the one that stayed. Refused."""
    with rt.database.read() as session:
        is_id = _ID.fullmatch(who) is not None
        found = session.get(Contact, survivor_id(session, int(who))) if is_id else find_by_phone(rt, session, who)
        if found is None:
            raise Refused(f"contact {who}: there is no such contact")
        return found.id


def show_person(rt: Runtime, contact_id: int) -> dict[str, Any]:
    """What the contact's page shows at its top, ready for JSON."""
    with rt.database.read() as session:
        contact = session.get_one(Contact, contact_id)
        own = {name: getattr(contact, name) for name in OWN}
        return {name: value for name, value in own.items() if value is not None} | _around(session, contact)


def write_person(rt: Runtime, contact_id: int, path: Path, actor: str) -> None:
    """Write everything that is kept of them to a file that nobody else can read, whole or not at all. OSError."""
    found = export_contact(rt, contact_id, actor)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open_private(aside, "wb") as file:
            file.write(json.dumps(found, ensure_ascii=False, indent=2, default=str).encode() + b"\n")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _around(session: Session, contact: Contact) -> dict[str, Any]:
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
        "also_found_by": [row.shown for row in ids_of(session, contact.id)],
        "before_the_merge": [
            {"what": row.kind, "name": row.name, "value": row.value} for row in values_of_person(session, contact.id)
        ],
    }
