"""Try again on a campaign's page, the rule in its form, and the earlier tries in the list of people."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from admin.operations.campaign_file import read_campaign
from jobs.campaigns.launch import launch_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import Campaign
from models.tables.recipient import Recipient, RecipientState
from tests.support.campaign_form import FORM
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


def test_failures_are_tried_again_with_a_button_that_says_how_many(panel: Panel, manager: Visitor) -> None:
    assert "exactly one of until and for_hours" in manager.refused(
        "/campaigns/new", status=400, **FORM, retry_for_hours="5", retry_until="2026-12-24T20:00:00+01:00"
    )
    manager.post("/campaigns/new", **FORM, retry_for_hours="72")
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    with panel.rt.database.write() as session:
        assert session.get_one(Campaign, 1).retry == {"for_hours": 72}
        queued = session.scalars(
            select(Recipient).where(Recipient.state == RecipientState.QUEUED).order_by(Recipient.id)
        )
        for hours, row in zip((25, 1), queued, strict=True):
            row.state, row.attempts, row.wamid = RecipientState.ACCEPTED, 1, f"wamid.{hours}"
            row.accepted_at = row.failed_at = utcnow() - timedelta(hours=hours)
            row.error_code, row.error_msg = 131049, "Kept back."
    page = manager.get("/campaigns/1/")
    assert "Try again (1)" in page
    assert "1 failed too recently" in page
    assert "tries them again by itself until" in page
    assert "1 queued once more. 1 wait: they failed too recently." in manager.post("/campaigns/1/retry")
    assert "Try again (" not in manager.get("/campaigns/1/")
    people = manager.get("/campaigns/1/people?status=queued")
    assert "Tried before: 1" in people
    assert "131049: Kept back." in people


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"for_hours": 0}, "retry.for_hours=0: "),
        ({"for_hours": 721}, "retry.for_hours=721: "),
        ({"until": "2026-12-24"}, "allowed is a time with its zone"),
        ({}, "exactly one of until and for_hours"),
        ({"hours": 2}, "there is no such field; allowed are until, for_hours"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where_and_why(rule: dict[str, object], problem: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read_campaign({"retry": rule})
    assert problem in str(refused.value)
    assert str(refused.value).startswith("retry")
