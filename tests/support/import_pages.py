"""A file that somebody brought to the panel, from its columns to its end."""

import io
from typing import Any

from sqlalchemy import func, select

from jobs.imports import uploads as import_shelf
from jobs.imports.run import run_import
from jobs.imports.uploads import (
    ImportFile,
    load_upload,
)
from models.tables.contact import Contact
from tests.support.panel_app import Panel, Visitor, said

PEOPLE = """Teléfono,Full name,Opt-in,Where,Labels,Shop,Notes
+447700900001,Ana,subscribed,web,vip;city=Madrid,Sol,x
+447700900002,Ben,subscribed,,vip,Sol,
nonsense,=Carl,unknown,,,,
"""
CHOSEN = {"c0": "phone", "c1": "name", "c2": "consent", "c3": "consent_source", "c4": "tags", "c5": "new", "c6": ""}


def brought(manager: Visitor, content: str | bytes = PEOPLE, name: str = "people.csv", **fields: str) -> str:
    """The token of a file that was taken."""
    data = content.encode() if isinstance(content, str) else content
    answer = manager.send("/contacts/import", file=(io.BytesIO(data), name), **fields)
    assert answer.status_code == 303, said(answer.text)
    return str(answer.location.split("/")[-2])


def looked_at(manager: Visitor, token: str, **chosen: Any) -> str:
    """The page after a worker has looked at it."""
    manager.post(f"/contacts/import/{token}/columns", **chosen)
    run_import(token)
    return said(manager.get(f"/contacts/import/{token}/"))


def known(panel: Panel, token: str) -> ImportFile:
    """What the shelf says of it."""
    found = load_upload(panel.rt, token)
    assert found
    return found


def finish(panel: Panel, token: str) -> int:
    """Turns until the stage is over; how many."""
    turns = 0
    while known(panel, token).stage in import_shelf.UNDER_WAY:
        run_import(token)
        turns += 1
    return turns


def count(panel: Panel) -> int:
    with panel.rt.database.read() as session:
        return session.scalar(select(func.count()).select_from(Contact)) or 0
