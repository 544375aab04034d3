"""Finds the number and the template that are chosen in the campaign form."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.campaign_values import find_template
from models.tables.number import Number
from models.tables.template import Template


def selected(session: Session, draft: Mapping[str, Any]) -> tuple[Number | None, Template | None]:
    """The draft's number and template; None for what is not chosen, or does not exist."""
    phone_number_id, choice = draft.get("number"), draft.get("template")
    number = (
        session.scalars(select(Number).where(Number.phone_number_id == phone_number_id)).first()
        if phone_number_id
        else None
    )
    if not isinstance(choice, Mapping) or (number is None and phone_number_id):
        return number, None
    return number, find_template(session, number, choice["name"], choice["language"])
