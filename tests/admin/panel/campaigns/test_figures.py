"""The page of a campaign, its lists of people, its statistics and its export count the same people."""

import csv
import re
from typing import Any

import pytest
from sqlalchemy.orm import Session

from admin.operations.exports.campaign import export_lines
from models.campaigns.stats import campaign_stats
from models.clock import utcnow
from models.tables.campaign import CampaignStatus
from models.tables.recipient import NotSent
from models.tables.recipient_tap import RecipientTap
from tests.support.exported import State, row_of
from tests.support.factories.campaigns import make_campaign, make_lane
from tests.support.panel_app import Panel, Visitor

pytestmark = pytest.mark.sqlite_only

REACHED = {"delivered", "read"}
ACCEPTED = REACHED | {"sent", "failed"}


def _every_kind(session: Session) -> int:
    """A campaign with people of every state and status."""
    campaign = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=utcnow())
    for times in ((), ("sent",), ("delivered",), ("read",), ("failed",), ("delivered", "failed"), ("read", "replied")):
        for state in (State.ACCEPTED, State.HELD):
            row_of(session, campaign, state, *times)
    row_of(session, campaign, State.QUEUED)
    row_of(session, campaign, State.UNSURE, "unsure")
    row_of(session, campaign, State.SENDING, lane_id=make_lane(session).id)
    row_of(session, campaign, State.REFUSED, "failed")
    for reason in (NotSent.OPEN_CASE, NotSent.ENGAGED, NotSent.ENGAGED):
        row_of(session, campaign, State.NOT_SENT, reason=reason)
    return campaign.id


def _from_export(panel: Panel, campaign_id: int) -> dict[str, Any]:
    """The public numbers, counted in the rows of the export."""
    rows = list(csv.DictReader("".join(export_lines(panel.rt, campaign_id, "cli")).splitlines()))
    counts = {
        status: sum(row["status"] == status for row in rows) for status in ("queued", "sending", "unsure", "held")
    }
    reasons = [row["error_code"] for row in rows if row["status"] == "not_sent"]
    sent = [row for row in rows if row["status"] in ACCEPTED and row["sent_at"]]
    return counts | {
        "candidates": len(rows),
        "eligible": len(rows) - len(reasons),
        "not_sent": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        "sent": len(sent),
        "delivered": sum(row["status"] in REACHED for row in rows),
        "read": sum(row["status"] == "read" for row in rows),
        "failed": sum(row["status"] == "failed" for row in rows),
        "replied": sum(bool(row["replied_at"]) for row in rows),
    }


def test_everything_that_counts_people_counts_the_same(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        campaign_id = _every_kind(session)
    with panel.rt.database.read() as session:
        stats = campaign_stats(session, campaign_id)
    exported = _from_export(panel, campaign_id)
    assert {name: stats[name] for name in exported} == exported
    where = f"/campaigns/{campaign_id}"
    page = manager.get(f"{where}/")
    shown = {name: int(value) for name, value in re.findall(r'data-number="([a-z]+)">(\d+)<', page)}
    assert shown == {name: stats[name] for name in shown}
    assert len(shown) == 6
    for name in ("eligible", "queued", "sending", "unsure", "held", "sent", "delivered", "read", "replied", "failed"):
        people = manager.get(f"{where}/people?status={name}").count('href="/admin/contacts/') - _links(manager, where)
        assert people == stats[name], name
    for reason, count in stats["not_sent"].items():
        people = manager.get(f"{where}/people?reason={reason}").count('href="/admin/contacts/') - _links(manager, where)
        assert people == count, reason


def _links(manager: Visitor, where: str) -> int:
    """Links to contacts that stand on the page of an empty list."""
    return manager.get(f"{where}/people?reason=expired").count('href="/admin/contacts/')


def test_the_page_shows_what_was_tapped(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=utcnow())
        for place, title in (("0", "Tell me more"), ("2.1", "Shop <all>")):
            recipient = row_of(session, campaign, State.ACCEPTED, "read")
            session.add(
                RecipientTap(recipient_id=recipient.id, place=place, campaign_id=campaign.id, title=title, at=utcnow())
            )
        campaign_id = campaign.id
    page = manager.get(f"/campaigns/{campaign_id}/")
    assert "What was tapped" in page
    assert re.search(r"<td>Tell me more</td><td>message</td><td[^>]*>1</td>", page)
    assert re.search(r"<td>Shop &lt;all&gt;</td><td>card 3</td><td[^>]*>1</td>", page)
