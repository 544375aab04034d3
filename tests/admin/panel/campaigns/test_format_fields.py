"""The campaign form has fields for every format, by clicks alone: what it shows is what it saves."""

import re
from html import unescape
from io import BytesIO
from typing import Any

import pytest

from admin.operations.campaigns import create_campaign
from bot.sandbox.seed import PHONE_NUMBER_ID, WABA_ID
from models.tables.campaign import CampaignStatus
from tests.support.campaign_form import FORM, campaign
from tests.support.cli_app import ANA
from tests.support.form_values import form_values
from tests.support.media import PNG
from tests.support.message_formats import BY_NAME, FORMATS, Format
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


def _add_template(panel: Panel, each: Format) -> None:
    panel.shell.meta.call(panel.shell.meta.sim.world.add_template, WABA_ID, each.template)
    panel.shell.ok("templates", "sync")


def _file(each: Format, **more: Any) -> dict[str, Any]:
    return {
        "name": each.name,
        "number": PHONE_NUMBER_ID,
        "template": {"name": each.name, "language": "en"},
        "audience": {"include": [{"tag": "vip"}]},
        **more,
    }


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_a_campaign_of_every_format_is_saved_from_the_form_as_it_was(
    panel: Panel, manager: Visitor, each: Format
) -> None:
    _add_template(panel, each)
    created = create_campaign(panel.rt, _file(each, **each.added), ANA)
    before = campaign(panel, created.id)
    fields = form_values(manager.get(f"/campaigns/{created.id}/edit"), f"/campaigns/{created.id}/edit")
    manager.post(f"/campaigns/{created.id}/edit", **fields)
    after = campaign(panel, created.id)
    assert (after.variables, after.media, after.content) == (before.variables, _named(before.media), before.content)
    assert after.status is CampaignStatus.READY


def _named(media: dict[str, Any]) -> dict[str, Any]:
    """The media without the name of a linked document, for which the form has no field."""
    return {part: {key: value for key, value in medium.items() if key != "filename"} for part, medium in media.items()}


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_an_empty_form_of_every_format_is_saved_as_a_draft_that_lists_what_is_missing(
    panel: Panel, manager: Visitor, each: Format
) -> None:
    _add_template(panel, each)
    start = FORM | {"template": f"{each.name}|en"}
    fields = form_values(manager.send("/campaigns/new", **start, refresh="1").text, "/campaigns/new")
    manager.post("/campaigns/new", **fields)
    expected = CampaignStatus.READY if each.name in {"form", "catalog"} else CampaignStatus.DRAFT
    assert campaign(panel).status is expected


def _cards(panel: Panel, manager: Visitor, name: str) -> dict[str, Any]:
    """The form of a new campaign with this template, as it is drawn after the template was chosen."""
    _add_template(panel, BY_NAME[name])
    page = manager.send("/campaigns/new", **(FORM | {"template": f"{name}|en"}), refresh="1").text
    return form_values(page, "/campaigns/new")


def test_more_cards_of_products_are_drawn_as_soon_as_their_number_changes(panel: Panel, manager: Visitor) -> None:
    fields = _cards(panel, manager, "product_cards") | {"card_count": "4", "card-1-sku": "b"}
    page = manager.send("/campaigns/new", **fields, refresh="1").text
    again: dict[str, Any] = {**form_values(page, "/campaigns/new")}
    assert [again[f"card-{card}-sku"] for card in range(4)] == [[""], ["b"], [""], [""]]
    again |= {f"card-{card}-sku": f"sku-{card}" for card in range(4)} | {"catalog_id": "7"}
    manager.post("/campaigns/new", **again)
    saved = campaign(panel)
    assert saved.content == {
        "cards": [{"product": {"sku": f"sku-{card}"}} for card in range(4)],
        "products": {"catalog_id": "7"},
    }


def test_a_file_for_a_card_is_kept_and_may_be_removed(panel: Panel, manager: Visitor) -> None:
    fields = _cards(panel, manager, "media_cards")
    upload = (BytesIO(PNG), "blue.png")
    page = manager.send("/campaigns/new", **fields, **{"card-1-media_file": upload}, refresh="1").text
    again = form_values(page, "/campaigns/new")
    assert re.search(rf'<option value="{again["card-1-media_sha256"][0]}" selected>blue.png</option>', page)
    manager.post("/campaigns/new", **again)
    saved = campaign(panel).content
    assert saved is not None
    assert saved["cards"][1]["media"]["header"]["file"] == "blue.png"
    edit = form_values(manager.get("/campaigns/1/edit"), "/campaigns/1/edit")
    manager.post("/campaigns/1/edit", **(edit | {"card-1-media_sha256": [""]}))
    saved = campaign(panel).content
    assert saved is not None
    assert "media" not in saved["cards"][1]


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("location", {"location_latitude": "north"}, "ocation.latitude="),
        ("location", {"location_latitude": "95"}, "ocation.latitude=95.0"),
        ("offer", {"offer_expires_at": "2020-01-01T10:00"}, "allowed is a time in the future"),
        ("offer", {"offer_expires_at": "soon"}, "allowed is a time with its zone"),
        ("product_list", {"section_title": ["All"], "section_skus": ["\n".join("x" * 31)]}, "31 products are given"),
        ("media_cards", {"card-0-media_link": "http://x.test/a.jpg"}, "allowed is an https address"),
        ("product_cards", {"catalog_id": "mine"}, "allowed are digits"),
    ],
)
def test_what_is_wrong_in_a_format_is_said_and_nothing_is_written(
    panel: Panel, manager: Visitor, name: str, change: dict[str, Any], complaint: str
) -> None:
    fields = _cards(panel, manager, name)
    page = manager.refused("/campaigns/new", **(fields | change))
    assert complaint in unescape(page)
    assert panel.shell.data("campaigns", "list", "--json") == []


def test_a_draft_without_cards_is_edited_with_a_field_for_each(panel: Panel, manager: Visitor) -> None:
    _add_template(panel, BY_NAME["media_cards"])
    created = create_campaign(panel.rt, _file(BY_NAME["media_cards"]), ANA)
    fields = form_values(manager.get(f"/campaigns/{created.id}/edit"), f"/campaigns/{created.id}/edit")
    assert {"card-0-media_link", "card-1-media_link", "slot-cards.1.body-1-source"} <= fields.keys()


def test_sources_of_another_carousel_are_dropped_with_their_fields(panel: Panel, manager: Visitor) -> None:
    fields = _cards(panel, manager, "media_cards") | {
        "slot-cards.0.body-1-source": "text",
        "slot-cards.0.body-1-text": "10%",
        "slot-cards.0.body-2-source": "text",
        "slot-cards.0.body-2-text": "of a template with more",
    }
    manager.post("/campaigns/new", **fields)
    saved = campaign(panel).content
    assert saved is not None
    assert saved["cards"][0] == {"variables": {"body": {"1": {"source": "text", "text": "10%"}}}}


def test_another_template_drops_what_it_has_no_place_for(panel: Panel, manager: Visitor) -> None:
    fields = _cards(panel, manager, "product_cards") | {"card-0-sku": "a", "card-1-sku": "b"}
    manager.post("/campaigns/new", **(fields | {"template": "spring_sale|en"}))
    assert campaign(panel).content is None
