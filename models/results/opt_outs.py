"""Records and counts who asked for an end in answer to a campaign.

Only what a row attributes counts: a message of theirs (models.events.messages.attribution), or a marketing stop inside WhatsApp,
which names our number and is attributed as a message without a reference is. Imports, shops and agents who decide by themselves
name no campaign.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from models.db.bulk import values_cte
from models.tables.recipient_opt_out import OptOutWay, RecipientOptOut


class CampaignOptOut(NamedTuple):
    """A recipient asked for an end."""

    recipient_id: int
    way: OptOutWay
    at: datetime


def record_opt_outs(session: Session, opt_outs: Sequence[CampaignOptOut]) -> None:
    """Store the first time of each recipient, whatever the order in which they come. An unknown recipient is left out."""
    first: dict[int, CampaignOptOut] = {}
    for item in sorted(opt_outs, key=lambda item: (item.at, item.way)):
        first.setdefault(item.recipient_id, item)
    if not first:
        return
    columns = {"recipient_id": "bigint", "way": "text", "at": "timestamptz"}
    rows = [(item.recipient_id, item.way.value, item.at) for _, item in sorted(first.items())]
    values, parameters = values_cte(session, "v", columns, rows)
    statement = (
        f"WITH {values} INSERT INTO recipient_opt_out (recipient_id, campaign_id, way, at) "  # noqa: S608 - no value is in the text
        "SELECT v.recipient_id, r.campaign_id, v.way, v.at FROM v JOIN recipient AS r ON r.id = v.recipient_id "
        "WHERE true ORDER BY v.recipient_id "
        "ON CONFLICT (recipient_id) DO UPDATE SET way = excluded.way, at = excluded.at "
        "WHERE excluded.at < recipient_opt_out.at "
        "OR (excluded.at = recipient_opt_out.at AND excluded.way < recipient_opt_out.way)"
    )
    session.execute(text(statement), parameters)


def count_opt_outs(session: Session, campaign_ids: Sequence[int]) -> dict[int, dict[OptOutWay, int]]:
    """People by way, by campaign. A campaign that nobody left is absent."""
    found: dict[int, dict[OptOutWay, int]] = {}
    if campaign_ids:
        columns = (RecipientOptOut.campaign_id, RecipientOptOut.way)
        query = select(*columns, func.count().label("people")).where(RecipientOptOut.campaign_id.in_(campaign_ids))
        for row in session.execute(query.group_by(*columns)):
            found.setdefault(row.campaign_id, {})[row.way] = row.people
    return found


def opt_outs_json(people: Mapping[OptOutWay, int]) -> dict[str, int]:
    """The public form: people by way, in the order of OptOutWay, without the ways that nobody took."""
    return {way.value: people[way] for way in OptOutWay if people.get(way)}
