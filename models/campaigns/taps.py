"""Counts and lists what the people of a campaign tapped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.tables.recipient_tap import RecipientTap


@dataclass(frozen=True, slots=True)
class TappedButton:
    """How many people tapped a button. `card` is the card in which it stands, from 0; None outside of a carousel."""

    card: int | None
    index: int
    title: str
    people: int

    def to_json(self) -> dict[str, Any]:
        """The public form."""
        return {"card": self.card, "index": self.index, "title": self.title, "people": self.people}


def tapped_buttons(session: Session, campaign_ids: Sequence[int]) -> dict[int, list[TappedButton]]:
    """The buttons that anybody tapped, by campaign, in the order of the message. A campaign without any is absent."""
    if not campaign_ids:
        return {}
    columns = (RecipientTap.campaign_id, RecipientTap.place, RecipientTap.title)
    query = select(*columns, func.count().label("people")).where(RecipientTap.campaign_id.in_(campaign_ids))
    buttons: dict[int, list[TappedButton]] = {}
    for row in session.execute(query.group_by(*columns)):
        button = TappedButton(*read_place(row.place), row.title, row.people)
        buttons.setdefault(row.campaign_id, []).append(button)
    return {campaign_id: in_order_of_message(found) for campaign_id, found in buttons.items()}


def in_order_of_message(buttons: Iterable[TappedButton]) -> list[TappedButton]:
    """The buttons in the order of the message: those outside of cards first."""
    return sorted(buttons, key=lambda button: (-1 if button.card is None else button.card, button.index, button.title))


def taps_of(session: Session, recipient_ids: Sequence[int]) -> dict[int, list[RecipientTap]]:
    """The taps by recipient, in the order of time. A recipient without any is absent."""
    taps: dict[int, list[RecipientTap]] = {}
    if recipient_ids:
        query = select(RecipientTap).where(RecipientTap.recipient_id.in_(recipient_ids))
        for tap in session.scalars(query.order_by(RecipientTap.at, RecipientTap.place)):
            taps.setdefault(tap.recipient_id, []).append(tap)
    return taps


def read_place(place: str) -> tuple[int | None, int]:
    """The card, None outside of a carousel, and the index of a button's place."""
    card, _, index = place.rpartition(".")
    return (int(card) if card else None), int(index)
