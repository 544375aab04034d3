"""A draft can always be saved, says what it lacks, and does not start; the form offers what can be sent."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from bot.sandbox.seed import PHONE_NUMBER_ID
from models.clock import utcnow
from models.tables.campaign import CampaignStatus
from models.tables.template import Template
from tests.support.campaign_form import FORM, campaign
from tests.support.cli_app import CAMPAIGN
from tests.support.factories.campaigns import make_number, make_template
from tests.support.panel_app import Panel, Visitor, said

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]

POLL = [{"type": "BODY", "text": "Look"}, {"type": "POLL"}]


def _change(panel: Panel, **values: Any) -> None:
    """Change spring_sale in English."""
    with panel.rt.database.write() as session:
        query = select(Template).where(Template.name == "spring_sale", Template.language == "en")
        for name, value in values.items():
            setattr(session.scalars(query).one(), name, value)


def _select(page: str) -> str:
    found = re.search(r'<select id="template".*?</select>', page, re.DOTALL)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"status": "PENDING"}, "pending at Meta"),
        ({"status": "REJECTED"}, "rejected at Meta"),
        ({"status": "PAUSED"}, "paused at Meta"),
        ({"status": "LIMIT_EXCEEDED"}, "limit exceeded at Meta"),
        ({"stale_at": utcnow()}, "changed at Meta, sync the templates"),
        ({"correct_category": "UTILITY"}, "Meta says that it is utility"),
        ({"components": POLL}, "its poll cannot be sent by a campaign"),
    ],
)
def test_a_template_that_cannot_be_sent_is_shown_with_why_and_cannot_be_selected(
    values: dict[str, Any], why: str, panel: Panel, manager: Visitor
) -> None:
    _change(panel, **values)
    page = manager.send("/campaigns/new", number=PHONE_NUMBER_ID, refresh="1").text
    offered, _, others = _select(page).partition('<optgroup label="Cannot be sent now" disabled>')
    assert 'value="spring_sale|en"' not in offered
    assert 'value="spring_sale|es"' in offered
    assert re.search(rf'value="spring_sale\|en">spring_sale \(en\) · marketing · {why}<', others)


def test_a_template_that_meta_no_longer_has_is_not_offered(panel: Panel, manager: Visitor) -> None:
    _change(panel, missing_at=utcnow())
    page = manager.send("/campaigns/new", number=PHONE_NUMBER_ID, refresh="1").text
    assert 'value="spring_sale|en"' not in page


def test_the_template_of_a_draft_stays_chosen_when_it_cannot_be_sent_any_more(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    for change in ({"status": "PAUSED"}, {"missing_at": utcnow()}):
        _change(panel, **change)
        offered = _select(manager.get("/campaigns/1/edit")).partition("<optgroup")[0]
        assert re.search(r'value="spring_sale\|en" selected>spring_sale \(en\) · marketing · [a-z ]+ at Meta<', offered)
        manager.post("/campaigns/1/edit", **(FORM | {"name": "Summer"}))
        assert campaign(panel).template_id is not None


@pytest.mark.parametrize(
    ("form", "missing"),
    [
        ({}, "name, number, template, audience"),
        ({"name": "Idea"}, "number, template, audience"),
        ({"name": "Idea", "number": PHONE_NUMBER_ID}, "template, audience"),
        (
            {"name": "Idea", "template": "spring_sale|en"},
            "number, audience, body 1 is not mapped, body 2 is not mapped",
        ),
        ({"name": "Idea", "include_what": ["tag:vip"], "include_value": [""]}, "number, template"),
        ({"name": "Idea", "exclude_what": ["tag:vip"], "exclude_value": [""]}, "number, template, audience"),
        (FORM | {"number": ""}, "number"),
        (FORM | {"slot-body-1-source": ""}, "body 1 is not mapped"),
        (FORM | {"slot-body-2-text": " "}, "body 2 is not mapped"),
        # What stands in the fields of a template, number or upload that is no longer chosen.
        (FORM | {"slot-body-3-source": "name", "slot-header-1-source": "name"}, ""),
        (FORM | {"template": "of_another_account|en"}, "template"),
        (FORM | {"media_sha256": "0" * 64}, ""),
        (FORM | {"number": "", "media_sha256": "0" * 64}, "number"),
    ],
)
def test_a_draft_can_always_be_saved_and_says_what_is_missing(
    form: dict[str, Any], missing: str, panel: Panel, manager: Visitor
) -> None:
    with panel.rt.database.write() as session:
        make_template(session, make_number(session), name="of_another_account")
    page = said(manager.post("/campaigns/new", **form))
    saved = campaign(panel)
    if not missing:
        assert saved.status is CampaignStatus.READY
        return
    assert saved.status is CampaignStatus.DRAFT
    assert f"Saved as a draft. Still missing: {missing}." in page
    assert f"A draft. Still missing: {missing}." in said(manager.get("/campaigns/1/"))
    manager.post("/campaigns/1/edit", **form)
    assert campaign(panel).name == form.get("name", "")


@pytest.mark.parametrize("verb", ["start", "schedule"])
def test_a_draft_does_not_start_and_says_everything_that_is_missing(verb: str, panel: Panel, manager: Visitor) -> None:
    given = {key: CAMPAIGN[key] for key in ("name", "number", "template")}
    file = panel.shell.file("draft.json", given)
    created = panel.shell.data("campaigns", "create", file)
    assert created["missing"] == ["audience", "variables: body 1 is not mapped", "variables: body 2 is not mapped"]
    line = "campaign 1: it is draft; still missing: audience, body 1 is not mapped, body 2 is not mapped"
    more = ("--at", "2027-01-01T10:00:00+01:00") if verb == "schedule" else ()
    assert panel.shell.refused("campaigns", verb, "1", *more).endswith(line)
    if verb == "start":
        assert "still missing: audience, body 1 is not mapped, body 2 is not mapped" in said(
            manager.post("/campaigns/1/start", confirmed="1")
        )
    assert campaign(panel).status is CampaignStatus.DRAFT


def test_a_file_that_names_a_template_and_no_number_is_a_draft(panel: Panel) -> None:
    shell = panel.shell
    given = CAMPAIGN | {"number": None}
    assert shell.data("campaigns", "create", shell.file("draft.json", given))["missing"] == ["number"]
    assert campaign(panel).template_id is not None
    with panel.rt.database.write() as session:
        make_template(session, make_number(session), name="spring_sale")
    line = shell.refused("campaigns", "create", shell.file("draft.json", given))
    assert "template=spring_sale (en): needs a number" in line


def test_a_file_whose_template_a_campaign_cannot_send_is_a_draft(panel: Panel) -> None:
    _change(panel, components=POLL)
    file = panel.shell.file("draft.json", CAMPAIGN | {"variables": {}})
    missing = panel.shell.data("campaigns", "create", file)["missing"]
    assert missing == ["template spring_sale: a poll cannot be sent by a campaign"]
