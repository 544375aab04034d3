"""What is done to a campaign by its buttons."""

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from jobs.campaigns.launch import launch_campaign
from jobs.core.queues import LAUNCH, queue
from models.clock import utcnow
from models.tables.campaign import CampaignKind, CampaignStatus
from tests.support.campaign_form import FORM, campaign
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"date": "2020-01-01"}, "still to come"),
        ({"date": "soon"}, "allowed is a day"),
        ({"time": "late"}, "allowed is a time"),
        ({"zone": "Mars/Base"}, "time zone"),
        ({"per_hour": "many"}, "allowed is a number"),
        ({"per_hour": "0"}, "above 0"),
        ({"date": "2027-03-28", "time": "02:30"}, "does not exist"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(
    change: dict[str, Any], sentence: str, panel: Panel, manager: Visitor
) -> None:
    manager.post("/campaigns/new", **FORM)
    day = f"{utcnow() + timedelta(days=1):%Y-%m-%d}"
    tomorrow: dict[str, Any] = {"date": day, "time": "10:30", "zone": "Europe/Madrid", "per_hour": ""}
    assert sentence in manager.refused("/campaigns/1/schedule", **(tomorrow | change)).lower()
    assert campaign(panel).status is CampaignStatus.READY


def test_a_life_by_buttons(panel: Panel, manager: Visitor, redis: Redis) -> None:
    manager.post("/campaigns/new", **FORM)
    question = manager.refused("/campaigns/1/start", status=200)
    assert "Start this campaign now?" in question
    assert campaign(panel).status is CampaignStatus.READY
    assert "Started." in manager.post("/campaigns/1/start", confirmed="1")
    assert campaign(panel).status is CampaignStatus.ACTIVE
    assert queue(redis, LAUNCH).count == 1
    launch_campaign(1)
    page = manager.get("/campaigns/1/")
    assert "Not subscribed" in page
    assert "0 of 2 done" in page
    assert "Paused" in manager.post("/campaigns/1/pause")
    assert "Paused by an operator" in manager.get("/campaigns/1/")
    manager.post("/campaigns/1/resume")
    assert campaign(panel).status is CampaignStatus.ACTIVE
    assert "It has started" in manager.post("/campaigns/1/edit", **FORM)
    assert "end it before you delete it" in manager.post("/campaigns/1/delete", confirmed="1")
    manager.post("/campaigns/1/end", confirmed="1")
    assert campaign(panel).status is CampaignStatus.ENDED
    assert "possible from" in manager.post("/campaigns/1/resume")
    manager.post("/campaigns/1/delete", confirmed="1")
    manager.get("/campaigns/1/", 404)
    actions = [action for actor, action in panel.audited() if actor == "manager@example.com"]
    assert actions == ["sign_in", "create", "start", "pause", "resume", "end", "delete"]


def test_two_clicks_start_it_once(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    assert "It is active" in manager.post("/campaigns/1/start", confirmed="1")
    assert [action for _, action in panel.audited()].count("start") == 1


def test_what_blocks_is_said_and_nothing_starts(panel: Panel, manager: Visitor) -> None:
    manager.post(
        "/campaigns/new", **(FORM | {"include_what": [], "include_value": [], "include_people": "+447700900002"})
    )
    assert "Nobody of 1 can be written to" in manager.get("/campaigns/1/checks")
    assert "Nobody of 1 can be written to" in manager.post("/campaigns/1/start", confirmed="1")
    assert campaign(panel).status is CampaignStatus.READY
    assert "Not subscribed: unsubscribed" in manager.get("/campaigns/1/people?reason=not_subscribed")


def test_a_test_goes_to_contacts_and_is_listed_apart(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    assert "no contact with the phone +447700900077" in manager.refused("/campaigns/1/test", phones="+447700900077")
    page = manager.post("/campaigns/1/test", phones="+44 7700 900001\n")
    assert "This is the test" in page
    assert campaign(panel, 2).kind is CampaignKind.TEST or campaign(panel, 3).kind is CampaignKind.TEST
    assert "Spring" in manager.get("/campaigns/tests")
    assert "1 test of it still runs" in manager.get("/campaigns/1/")
    manager.post("/campaigns/1/end-tests")
    assert "still runs" not in manager.get("/campaigns/1/")


def test_a_copy_is_opened_to_be_changed(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    page = manager.post("/campaigns/1/duplicate")
    assert "Edit “Spring (copy)”" in page
    assert campaign(panel, 2).variables == campaign(panel).variables
