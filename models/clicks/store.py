"""Stores requests for tracked links, many in one statement. The same entry of the stream is stored once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.db.bulk import values_cte
from models.tables.click import ClickKind, DeviceClass

_COLUMNS = {
    "entry_ms": "bigint",
    "entry_seq": "bigint",
    "link_id": "bigint",
    "recipient_id": "bigint",
    "kind": "text",
    "device": "text",
    "at": "timestamptz",
}


class NewClick(NamedTuple):
    """A request with the two numbers of its entry's id in the stream."""

    entry_ms: int
    entry_seq: int
    link_id: int
    recipient_id: int
    kind: ClickKind
    device: DeviceClass
    at: datetime


def store_clicks(session: Session, clicks: Sequence[NewClick]) -> int:
    """Store them; return how many are new.

    Left out are those of redacted people, of test campaigns, of links and recipients that are gone, and of a recipient of another
    campaign than the link's.
    """
    if not clicks:
        return 0
    rows = [[*click[:4], click.kind.value, click.device.value, click.at] for click in clicks]
    given, parameters = values_cte(session, "given", _COLUMNS, rows)
    statement = f"""
        WITH {given}
        INSERT INTO click (entry_ms, entry_seq, link_id, recipient_id, kind, device, at)
        SELECT given.entry_ms, given.entry_seq, given.link_id, given.recipient_id, given.kind, given.device, given.at
        FROM given
        JOIN tracked_link ON tracked_link.id = given.link_id
        JOIN campaign ON campaign.id = tracked_link.campaign_id AND campaign.kind = 'real'
        JOIN recipient ON recipient.id = given.recipient_id AND recipient.campaign_id = tracked_link.campaign_id
        JOIN contact ON contact.id = recipient.contact_id AND contact.redacted_at IS NULL
        WHERE true
        ON CONFLICT (entry_ms, entry_seq) DO NOTHING
    """  # noqa: S608 - names are ours
    result: Any = session.execute(text(statement), parameters)
    return int(result.rowcount)
