"""What a campaign's pages say of how it went: outcome, type, times, failures."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.clock import utcnow
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus, PauseReason
from models.tables.recipient import NotSent, RecipientState
from models.tables.user import Role
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.contacts import make_contact
from tests.support.panel_app import Panel, Visitor, open_panel, said

pytestmark = pytest.mark.sqlite_only

NOW = utcnow()
CATALOG = [
    {"type": "BODY", "text": "Our catalog is here"},
    {"type": "BUTTONS", "buttons": [{"type": "CATALOG", "text": "View catalog"}]},
]
DELIVERED: dict[str, Any] = {"state": RecipientState.ACCEPTED, "accepted_at": NOW, "delivered_at": NOW}
FAILED: dict[str, Any] = {"state": RecipientState.REFUSED, "failed_at": NOW}


def _campaign(session: Session, *rows: dict[str, Any], components: list[Any] | None = None, **values: Any) -> Campaign:
    number = make_number(session, now=NOW)
    template = make_template(session, number, now=NOW, **({"components": components} if components else {}))
    campaign = make_campaign(session, number, template, now=NOW, **values)
    for place, row in enumerate(rows):
        make_recipient(session, campaign, make_contact(session, name=f"Person {place}", now=NOW), now=NOW, **row)
    return campaign


def _ended(panel: Panel, outcome: CampaignOutcome, *rows: dict[str, Any], **values: Any) -> str:
    with panel.rt.database.write() as session:
        campaign = _campaign(
            session, *rows, status=CampaignStatus.ENDED, outcome=outcome, launched_at=NOW, ended_at=NOW, **values
        )
        return f"/campaigns/{campaign.id}"


def _row(page: str, name: str) -> str:
    return said(next(row for row in page.split("<tr>") if name in row))


def test_the_outcome_stays_visible_after_the_end(panel: Panel, manager: Visitor) -> None:
    where = _ended(panel, CampaignOutcome.PARTIALLY_SENT, *[DELIVERED] * 49, FAILED)
    for page in (manager.get(f"{where}/"), manager.get("/campaigns/")):
        assert '<span class="pill good">Ended · partially sent</span>' in page


def test_a_campaign_of_a_whole_catalog_is_called_one(panel: Panel, manager: Visitor) -> None:
    where = _ended(panel, CampaignOutcome.SENT, DELIVERED, components=CATALOG)
    assert re.search(r"<dt>Type</dt><dd>Catalog</dd>", manager.get(f"{where}/"))
    assert "Catalog" in _row(manager.get("/campaigns/"), "Spring")


def test_a_share_of_nothing_is_a_dash(panel: Panel, manager: Visitor) -> None:
    where = _ended(panel, CampaignOutcome.FAILED, FAILED)
    assert "– of sent" in said(manager.get(f"{where}/"))
    assert "0.0 %" not in manager.get("/campaigns/")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (FAILED, "No reason was given for any of the messages."),
        (FAILED | {"error_code": 0}, "No reason was given for any of the messages."),
        (FAILED | {"error_code": 131026}, "The errors below say why."),
        (FAILED | {"error_msg": "Undeliverable"}, "The errors below say why."),
        (
            {"state": RecipientState.NOT_SENT, "reason": NotSent.OPEN_CASE},
            "Everybody was left out; the reasons stand below.",
        ),
        (
            {"state": RecipientState.NOT_SENT, "reason": NotSent.CAMPAIGN_ENDED},
            "It ended before anything was sent.",
        ),
    ],
)
def test_a_campaign_that_failed_says_why_or_that_nobody_said(
    row: dict[str, Any], sentence: str, panel: Panel, manager: Visitor
) -> None:
    page = said(manager.get(f"{_ended(panel, CampaignOutcome.FAILED, row)}/"))
    assert f"It failed: nobody got the message. {sentence}" in page


def test_failures_without_an_error_are_one_line_and_a_sample_says_that_it_is_one(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [FAILED | {"error_code": 0}, FAILED, FAILED | {"error_code": 131026, "error_msg": "Undeliverable"}]
    where = _ended(panel, CampaignOutcome.FAILED, *rows)
    page = said(manager.get(f"{where}/"))
    assert "no code No reason was given. 2" in page
    assert "131026 Undeliverable: probably not on WhatsApp. After two such answers the contact is left out." in page
    assert "What Meta says Undeliverable 1" in page, "her own words are folded"
    assert "of the failed messages" not in page
    monkeypatch.setattr("admin.panel.campaigns.facts.MAX_ERRORS", 2)
    assert "Counted in 2 of the failed messages." in said(manager.get(f"{where}/"))


def test_only_a_failed_or_waiting_message_shows_an_error(panel: Panel, manager: Visitor) -> None:
    error = {"error_code": 131026, "error_msg": "Undeliverable"}
    rows = [
        DELIVERED | error | {"failed_at": NOW},
        DELIVERED | error | {"read_at": NOW, "failed_at": NOW},
        {"state": RecipientState.ACCEPTED, "accepted_at": NOW} | error,
        FAILED | error,
        FAILED,
        {"state": RecipientState.QUEUED} | error,
        DELIVERED | error | {"failed_at": NOW, "unsure_at": NOW, "detail": "No clear answer."},
    ]
    where = _ended(panel, CampaignOutcome.PARTIALLY_SENT, *rows)
    page = manager.get(f"{where}/people")
    shown = [_row(page, f"Person {place}") for place in range(6)]
    assert ["Undeliverable" in row for row in shown] == [False, False, False, True, False, True]
    assert "No reason was given." in shown[4]
    assert "Undeliverable" not in _row(manager.get(f"{where}/people?status=unsure"), "Person 6")


def test_a_schedule_says_its_day_hour_and_zone_wherever_it_stands(
    tmp_path: Any, sqlite_url: str, redis_url: str, redis: object
) -> None:
    with open_panel(tmp_path, sqlite_url, redis_url, time_zone="Europe/Madrid") as panel:
        at = NOW.replace(year=NOW.year + 1, month=7, day=1, hour=8, minute=30)
        with panel.rt.database.write() as session:
            campaign = _campaign(session, status=CampaignStatus.SCHEDULED, scheduled_at=at)
        manager = panel.of(Role.MANAGER)
        shown = f"1 Jul {at.year}, 10:30 Europe/Madrid"
        for path in (f"/campaigns/{campaign.id}/", "/campaigns/", "/"):
            assert shown in manager.get(path)
        assert "Times are in Europe/Madrid." in manager.get("/campaigns/")


def test_an_ended_campaign_says_when_it_ended_and_a_running_one_when_it_will(panel: Panel, manager: Visitor) -> None:
    page = said(manager.get(f"{_ended(panel, CampaignOutcome.SENT, DELIVERED)}/"))
    assert re.search(r"Ended [0-9:]+ Made by", page)
    with panel.rt.database.write() as session:
        later = NOW + timedelta(hours=5)
        running = _campaign(session, status=CampaignStatus.ACTIVE, outcome=CampaignOutcome.SENDING, launched_at=later)
    ends_at = later + timedelta(days=7)
    assert f"Ends {ends_at:%a} {ends_at.day} {ends_at:%b %Y, %H:%M} UTC" in said(
        manager.get(f"/campaigns/{running.id}/")
    )


def test_while_the_audience_is_prepared_home_counts_nobody(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        _campaign(session, status=CampaignStatus.ACTIVE, outcome=CampaignOutcome.PREPARING)
    page = said(manager.get("/"))
    assert "preparing the audience" in page
    assert "0 of 0" not in page


def test_a_persons_page_says_that_no_reason_was_given(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        campaign = _campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW)
        person = make_contact(session, now=NOW)
        make_recipient(session, campaign, person, now=NOW, **FAILED)
    assert "Spring No reason was given. Failed" in said(manager.get(f"/contacts/{person.id}/"))


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        (PauseReason.MEDIA_REFUSED, "Meta could not take the picture, video or document"),
        (PauseReason.TEMPLATE_REFUSED, "Meta does not take this template here"),
        (PauseReason.LAUNCH_STOPPED, "The audience could not be prepared"),
    ],
)
def test_a_pause_is_titled_by_its_cause_on_its_page_and_at_home(
    reason: PauseReason, title: str, panel: Panel, manager: Visitor
) -> None:
    with panel.rt.database.write() as session:
        campaign = _campaign(session, status=CampaignStatus.PAUSED, pause_reason=reason)
        campaign.resumes_at = NOW + timedelta(hours=1)
        where = f"/campaigns/{campaign.id}/"
    assert f"<b>{title}.</b>" in manager.get(where)
    assert f"Spring: {title}" in said(manager.get("/"))
