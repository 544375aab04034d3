"""Rows behind the pages of the panel."""

from sqlalchemy import select

from models.tables.contact import Contact
from models.tables.tag import Tag
from tests.support.panel_app import Panel


def tag_id(panel: Panel, name: str) -> int:
    with panel.rt.database.read() as session:
        return session.scalars(select(Tag.id).where(Tag.name == name)).one()


def contact(panel: Panel, contact_id: int = 1) -> Contact:
    with panel.rt.database.read() as session:
        return session.get_one(Contact, contact_id)
