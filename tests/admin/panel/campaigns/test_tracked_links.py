"""Tracked links in the campaign form, in the preview, and their figures on the campaign's page."""

import re
from typing import Any

import pytest

from admin.operations.campaigns import create_campaign
from admin.panel.campaigns.links import shown_place
from bot.sandbox.seed import PHONE_NUMBER_ID, WABA_ID
from models.errors import OperatorError
from models.tables.campaign import CampaignStatus
from models.tables.click import ClickKind
from models.tables.recipient import RecipientState
from tests.support.campaign_form import FORM, campaign
from tests.support.cli_app import ANA
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.clicks import make_click, make_link
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.form_values import form_values
from tests.support.panel_app import Panel, Visitor, said

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]
SHOP = "https://shop.example.com/spring"
LINK = {"source": "link", "url": SHOP}


def add_template(panel: Panel, base: str) -> None:
    button = {"type": "URL", "text": "Shop", "url": f"{base}/l/{{{{1}}}}", "example": [f"{base}/l/x"]}
    components = [{"type": "BODY", "text": "Spring is here"}, {"type": "BUTTONS", "buttons": [button]}]
    template = {
        "name": "linked",
        "language": "en",
        "category": "MARKETING",
        "status": "APPROVED",
        "components": components,
    }
    panel.shell.meta.call(panel.shell.meta.sim.world.add_template, WABA_ID, template)
    panel.shell.ok("templates", "sync")


def test_the_form_offers_a_tracked_link_where_the_button_has_our_base(panel: Panel, manager: Visitor) -> None:
    add_template(panel, panel.rt.settings.link_base)
    chosen = manager.send("/campaigns/new", **(FORM | {"template": "linked|en"}), refresh="1").text
    assert re.search(r'<option value="link" selected>a tracked link</option>', chosen)
    fields = form_values(chosen, "/campaigns/new")
    manager.post("/campaigns/new", **fields)
    assert (campaign(panel).status, campaign(panel).variables) == (CampaignStatus.DRAFT, {})
    wrong = manager.send("/campaigns/1/edit", **(fields | {"slot-buttons-0-url": ["http://shop.example.com"]})).text
    assert '<p class="wrong">Url: allowed is an https address such as https://shop.example.com/spring</p>' in wrong
    manager.post("/campaigns/1/edit", **(fields | {"slot-buttons-0-url": [f" {SHOP} "]}))
    assert (campaign(panel).status, campaign(panel).variables) == (CampaignStatus.READY, {"buttons": {"0": LINK}})
    again = form_values(manager.get("/campaigns/1/edit"), "/campaigns/1/edit")
    manager.post("/campaigns/1/edit", **again)
    assert campaign(panel).variables == {"buttons": {"0": LINK}}
    for page in (manager.get("/campaigns/1/"), manager.get("/campaigns/1/edit")):
        assert f'Tracked link → <span class="breaks">{SHOP}</span>' in page
    (check,) = panel.shell.data("campaigns", "preflight", "1")["blocking"] or [None]
    assert check is None


def test_places_are_said_in_an_operator_s_words() -> None:
    fields = ("variables: buttons 0", "cards.1.variables: buttons 2", "flow: goodbye")
    assert [shown_place(field) for field in fields] == ["button 1", "card 2, button 3", "bot flow, goodbye"]


def test_a_file_names_a_link_in_the_suffix_of_a_button_alone(panel: Panel) -> None:
    add_template(panel, "https://elsewhere.example.com")

    def create(**more: Any) -> int:
        named = {"number": PHONE_NUMBER_ID, "template": {"name": "linked", "language": "en"}}
        file = {"name": "x", **named, "audience": {"include": [{"tag": "vip"}]}, **more}
        return create_campaign(panel.rt, file, ANA).id

    for source, why in (
        ({"source": "link"}, "needs the field 'url'"),
        (LINK | {"url": "http://shop.example.com"}, "an https address"),
        (LINK | {"url": f"{SHOP}/{{{{1}}}}"}, "without placeholders"),
        (LINK | {"fallback": "x"}, "does not belong to a link source"),
        ({"source": "text", "text": "x", "url": SHOP}, "has no field 'url'"),
    ):
        with pytest.raises(OperatorError, match=re.escape(why)):
            create(variables={"buttons": {"0": source}})
    other = {"template": {"name": "spring_sale", "language": "en"}, "variables": {"body": {"1": LINK, "2": LINK}}}
    with pytest.raises(OperatorError, match="can only be the end of a link button's address"):
        create(**other)
    created = create(variables={"buttons": {"0": LINK}})
    line = panel.shell.refused("campaigns", "preflight", str(created))
    assert "the button opens https://elsewhere.example.com/l/{{1}}" in line


def test_the_page_of_a_campaign_has_a_table_of_its_links(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        made = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW)
        link = make_link(session, made)
        one = make_recipient(
            session,
            made,
            make_contact(session),
            state=RecipientState.ACCEPTED,
            accepted_at=NOW,
            delivered_at=NOW,
        )
        for kind in (ClickKind.PERSON, ClickKind.PERSON, ClickKind.PREVIEW, ClickKind.BOT, ClickKind.HEAD):
            make_click(session, link, one, kind)
        where, without = f"/campaigns/{made.id}", make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW)
        other = f"/campaigns/{without.id}"
    page = said(manager.get(f"{where}/"))
    assert "1 person clicked, 100.0 % of delivered" in page
    assert re.search(rf"{re.escape(link.url)} button 1 1 2 1 1", page)
    assert "Tracked links" not in manager.get(f"{other}/")
