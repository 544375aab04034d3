"""Names the lists of an audience that are still being filled: a campaign that started now would miss people."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.list_fill import ListFill
from models.tables.tag import ContactList


def lists_being_filled(session: Session, audience: Mapping[str, Any]) -> Sequence[str]:
    """The names of the lists that the public form of an audience names and that are being filled."""
    items = [item for side in ("include", "exclude") for item in audience.get(side) or () if isinstance(item, Mapping)]
    names = {item["list"].strip() for item in items if isinstance(item.get("list"), str)}
    if not names:
        return ()
    query = select(ContactList.name).join(ListFill, ListFill.list_id == ContactList.id)
    query = query.where(ListFill.finished_at.is_(None), ContactList.name.in_(names)).distinct()
    return session.scalars(query.order_by(ContactList.name)).all()
