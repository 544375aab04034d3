"""Collects every key by which a contact could come back: what stands on the record, its user ids, what it was known by before."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.aliases import identifiers_of
from models.contacts.person_key import person_key
from models.db.bulk import among
from models.tables.contact import Contact, ContactIdentity
from models.tables.contact_alias import ContactAlias

ANONYMOUS = ("c:", "x:")
"""Prefixes of keys that name nobody: of a contact without an id, and of a redacted one."""


def keys_of(session: Session, contacts: Sequence[Contact]) -> dict[int, set[str]]:
    """contact id → its keys. A few thousand at a time."""
    ids = [contact.id for contact in contacts]
    keys = {contact.id: {contact.person_key, *identifiers_of(contact)} for contact in contacts}
    identities = select(ContactIdentity.contact_id, ContactIdentity.portfolio_id, ContactIdentity.bsuid)
    for row in session.execute(identities.where(among(session, ContactIdentity.contact_id, ids))):
        keys[row.contact_id].add(person_key(portfolio_id=row.portfolio_id, bsuid=row.bsuid))
    aliases = select(ContactAlias.contact_id, ContactAlias.key)
    for alias in session.execute(aliases.where(among(session, ContactAlias.contact_id, ids))):
        keys[alias.contact_id].add(alias.key)
    return {key: {name for name in names if not name.startswith(ANONYMOUS)} for key, names in keys.items()}
