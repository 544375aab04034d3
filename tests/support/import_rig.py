"""Contacts files that are imported, and what is in the database afterwards."""

from pathlib import Path
from typing import Any

from openpyxl import Workbook
from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.imports.result import ImportResult
from models.contacts.lookup import find_contact
from models.tables.contact import Contact
from models.tables.tag import ContactTag, Tag

HEADER = "phone,name,language,consent,consent_source,tags\n"


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.created, result.updated, result.unchanged, result.refused_total


def people(rt: Runtime) -> dict[str, Contact]:
    with rt.database.read() as session:
        rows = session.scalars(select(Contact).order_by(Contact.id))
        return {contact.phone or contact.raw_phone or "": contact for contact in rows}


def tags_of(rt: Runtime, phone: str) -> dict[str, str | None]:
    with rt.database.read() as session:
        contact = find_contact(session, phone)
        assert contact is not None
        query = select(Tag.name, ContactTag.value).join(ContactTag).where(ContactTag.contact_id == contact.id)
        return {row.name: row.value for row in session.execute(query)}


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path
