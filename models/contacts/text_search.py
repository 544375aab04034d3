"""Finds contacts by words of their name or e-mail address, whatever the case, accents and width, and keeps what the search reads.

A contact's texts are folded once after they changed, and stand in a narrow table (`contact_search`). Until then the search folds
them itself, so it finds who came a moment ago.
"""

import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, union_all, update
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.db.dialect import NO_SYNC
from models.db.folding import Fold
from models.folding import fold_letters
from models.tables.contact import Contact
from models.tables.contact_search import ContactSearchText

BATCH = 500
"""Contacts of one transaction, during which SQLite's other writers wait."""
_STALE = ContactSearchText.folded.is_(None)
_BETWEEN_WORDS = frozenset({"Pd", "Pi", "Pf"})
"""Categories of dashes and quotation marks: O'Brien is also O’Brien."""


def text_condition(text: str) -> tuple[Select[Any], ColumnElement[bool]]:
    """Return the ids of the contacts that have each word in their names or their e-mail address, and the same as a check."""
    words = sorted(set(_words(text)), key=len, reverse=True)  # the longest is the rarest
    if not words:
        return select(Contact.id).where(false()), false()
    is_folded = and_(*(ContactSearchText.folded.contains(word, autoescape=True) for word in words))
    is_stale = and_(*(Fold(_texts()).contains(word, autoescape=True) for word in words))
    of_stale = (
        select(ContactSearchText.contact_id)
        .join(Contact, Contact.id == ContactSearchText.contact_id)
        .where(_STALE, is_stale)
    )
    ids = union_all(select(ContactSearchText.contact_id).where(is_folded), of_stale).subquery()
    row = exists().where(ContactSearchText.contact_id == Contact.id)
    return select(ids.c.contact_id), or_(row.where(is_folded), and_(row.where(_STALE), is_stale))


def folded_texts(name: str, first_name: str | None, last_name: str | None, email: str | None) -> str:
    """Return what `fold_stale` stores for a contact."""
    return fold_letters(f"{name}\n{first_name or ''} {last_name or ''}\n{email or ''}")


def has_stale(session: Session) -> bool:
    """Whether texts wait to be folded."""
    return session.execute(select(ContactSearchText.contact_id).where(_STALE).limit(1)).first() is not None


def fold_stale(session: Session, limit: int = BATCH) -> int:
    """Fold the texts of the newest contacts that changed; return how many were found.

    The rows are locked first: whoever changes such a contact meanwhile empties its row again afterwards.
    """
    query = select(ContactSearchText.contact_id).where(_STALE).order_by(ContactSearchText.contact_id.desc())
    ids = session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()
    if ids:
        folded = select(Fold(_texts())).where(Contact.id == ContactSearchText.contact_id).scalar_subquery()
        session.execute(
            update(ContactSearchText).where(among(session, ContactSearchText.contact_id, ids)).values(folded=folded),
            execution_options=NO_SYNC,
        )
    return len(ids)


def _words(text: str) -> Iterator[str]:
    """The folded words of the text. An e-mail address is one, and what has no letter is taken as it is."""
    for piece in fold_letters(text).split():
        parts = [] if "@" in piece else "".join(map(_divided, piece)).split()
        yield from parts or [piece]


def _divided(character: str) -> str:
    return " " if character in "'`" or unicodedata.category(character) in _BETWEEN_WORDS else character


def _texts() -> ColumnElement[str]:
    """The name, first and last name as they are spoken, and the e-mail address, a line each."""
    both = func.coalesce(Contact.first_name, "") + " " + func.coalesce(Contact.last_name, "")
    return Contact.name + "\n" + both + "\n" + func.coalesce(Contact.email, "")
