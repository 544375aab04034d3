"""Tracked links and requests for them."""

from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from models.tables.campaign import Campaign
from models.tables.click import Click, ClickKind, DeviceClass
from models.tables.recipient import Recipient
from models.tables.tracked_link import TrackedLink
from tests.support.factories.common import NOW

_entries = count(1)


def make_link(session: Session, campaign: Campaign, **values: Any) -> TrackedLink:
    """A link of the campaign's first button."""
    given = {"field": "variables.buttons.0", "url": "https://shop.example.com/spring", "key": "k" * 43}
    link = TrackedLink(campaign_id=campaign.id, created_at=NOW, **(given | values))
    session.add(link)
    session.flush()
    return link


def make_click(
    session: Session,
    link: TrackedLink,
    recipient: Recipient,
    kind: ClickKind = ClickKind.PERSON,
    at: datetime = NOW,
    device: DeviceClass = DeviceClass.PHONE,
) -> Click:
    """A request for the recipient's link."""
    click = Click(
        entry_ms=1,
        entry_seq=next(_entries),
        link_id=link.id,
        recipient_id=recipient.id,
        kind=kind,
        device=device,
        at=at,
    )
    session.add(click)
    session.flush()
    return click
