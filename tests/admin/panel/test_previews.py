"""The drawn messages on the panel's pages, and their style sheet."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from admin.panel.template_preview import draw_components, source_values
from bot.preview.filled_text import SlotState, SlotValue
from jobs.media.library import add_media
from models.clock import utcnow
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.number import Number
from models.tables.template import Template
from models.tables.user import Role
from models.templates.content import MessageContent
from tests.support.factories.campaigns import make_template
from tests.support.media import picture
from tests.support.panel_app import Panel
from tests.support.preview_gallery import TEMPLATES, body, header

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def change(panel: Panel, components: Any) -> None:
    """Template 1 has other components."""
    with panel.rt.database.write() as session:
        session.get_one(Template, 1).components = components


def test_the_style_sheet_is_served_by_the_panel_and_on_every_page(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    page = viewer.get("/templates/")
    address = re.search(r'href="(/admin/assets/preview/preview\.css\?v=[0-9a-f]{10})"', page)
    assert address is not None
    sheet = viewer.client.get(address[1])
    assert (sheet.status_code, sheet.mimetype) == (200, "text/css")
    assert ".wa-bubble" in sheet.text
    assert "url(" not in sheet.text
    assert "@import" not in sheet.text


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_of_every_format_is_drawn_with_its_examples_on_its_page_and_its_campaigns(
    name: str, panel: Panel
) -> None:
    change(panel, TEMPLATES[name].components)
    for path in ("/templates/", "/campaigns/1/"):
        page = panel.of(Role.VIEWER).get(path)
        assert 'class="wa-screen"' in page
        assert "not drawn here" not in page


@pytest.mark.parametrize(
    "components", [None, {}, [], [None], "x", [{"type": 5}], [{"type": "BODY", "text": {}}], [{"buttons": 1}]]
)
def test_a_template_that_is_being_written_is_drawn_whatever_stands_in_its_json(components: Any) -> None:
    assert 'role="group"' in draw_components(components)


def test_the_forms_preview_is_a_fragment_for_managers_that_saves_nothing(panel: Panel) -> None:
    with panel.rt.database.read() as session:
        number = session.scalars(select(Number)).one().phone_number_id
    fields = {"number": number, "template": "spring|en", "slot-body-1-source": "text", "slot-body-1-text": "<b>Ana</b>"}
    before = panel.audited()
    manager = panel.of(Role.MANAGER)
    drawn = manager.send("/campaigns/preview", preview_theme="dark", **fields)
    assert drawn.status_code == 200
    assert drawn.text.startswith('<div class="wa-screen wa-dark">')
    assert 'Hello <mark class="wa-slot wa-value">&lt;b&gt;Ana&lt;/b&gt;</mark>, spring is here!' in drawn.text
    assert "Choose a template" in manager.send("/campaigns/preview", template="nonsense", preview_theme="nonsense").text
    assert panel.of(Role.AGENT).send("/campaigns/preview", **fields).status_code == 403
    assert [entry for entry in panel.audited() if entry not in before] == [
        ("manager@example.com", "sign_in"),
        ("agent@example.com", "sign_in"),
    ]


def test_without_a_person_a_placeholder_names_where_its_value_comes_from() -> None:
    template = Template(
        components=[body("{{1}} {{2}} {{3}} {{4}} {{5}} {{6}}"), *TEMPLATES["media_carousel"].components[1:]]
    )
    sources = {
        "1": {"source": "first_name"}, "2": {"source": "text", "text": "20 %"}, "3": {"source": "tag", "tag": "size"},
        "4": {"source": "order", "field": "total"}, "5": {"source": "text", "text": ""},
    }  # fmt: skip
    card = {"variables": {"buttons": {"1": {"source": "product", "field": "sku"}}}}
    values = source_values(template, MessageContent({"body": sources}, cards=[{}, card]))
    assert values == {
        "body": {
            "1": SlotValue("‹first name›", SlotState.EXAMPLE, "first_name: first name"),
            "2": SlotValue("20 %"),
            "3": SlotValue("‹size›", SlotState.EXAMPLE, "tag: size"),
            "4": SlotValue("‹latest order: total›", SlotState.EXAMPLE, "order: latest order: total"),
        },
        "cards.1.buttons": {"1": SlotValue("‹product: sku›", SlotState.EXAMPLE, "product: product: sku")},
    }


def seen(panel: Panel, role: Role = Role.MANAGER, /, **choice: Any) -> str:
    """The page of campaign 3, which reaches everybody with a tag."""
    query = "&".join(f"{key}={value}" for key, value in choice.items())
    return panel.of(role).get(f"/campaigns/3/?{query}")


def test_a_manager_sees_the_message_of_a_real_person_and_another_one(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        campaign = session.get_one(Campaign, 3)
        campaign.variables = {"body": {"1": {"source": "name"}}}
        campaign.audience = {"include": [{"list": "Regulars"}], "exclude": []}
    first = seen(panel, preview_person="anybody")
    name = re.search(r'Hello <mark class="wa-slot wa-value">([^<]+)</mark>, spring is here!', first)
    assert name is not None
    assert re.search(rf'As <a href="/admin/contacts/\d+/">{name[1]}</a> gets it', first)
    found_for = re.search(
        r'name="preview_contact" value="(\d+)"><input type="hidden" name="preview_for" value="(\w+)"', first
    )
    assert found_for is not None
    again = seen(panel, preview_person="anybody", preview_contact=found_for[1], preview_for=found_for[2])
    assert name[0] in again
    pages = [seen(panel, preview_person="anybody", preview_turn=turn, refresh="another") for turn in range(4)]
    assert len({name for page in pages for name in re.findall(r'wa-value">([^<]+)<', page)}) > 2


def test_a_viewer_and_an_agent_see_no_person(panel: Panel) -> None:
    for role in (Role.VIEWER, Role.AGENT):
        page = seen(panel, role, preview_person="anybody", preview_contact=1)
        assert "gets it" not in page
        assert "preview_person" not in page
        assert "wa-value" not in page


def test_somebody_who_lacks_a_value_is_shown_with_what_is_missing(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        session.get_one(Campaign, 3).variables = {"body": {"1": {"source": "tag", "tag": "city"}}}
    page = seen(panel, preview_person="missing_value")
    assert "They would get nothing: tag city is missing." in page
    assert 'wa-missing" title="tag city">{{1}}</mark>' in page


ODD = [
    {"preview_person": "x"},
    {"preview_person": "anybody", "preview_turn": "x", "preview_contact": "-1"},
    {"preview_person": "anybody", "preview_contact": "999999999999", "preview_for": "x"},
]


@pytest.mark.parametrize("choice", ODD)
def test_odd_choices_are_read_as_if_they_were_not_made(choice: dict[str, Any], panel: Panel) -> None:
    assert 'class="wa-screen"' in seen(panel, **choice)


def test_a_contact_that_nobody_chose_is_not_shown_by_its_number(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        campaign = session.get_one(Campaign, 3)
        campaign.variables = {"body": {"1": {"source": "name"}}}
        campaign.audience = {"include": [{"list": "Regulars"}], "exclude": []}
    assert ">Person 59<" not in seen(panel, preview_person="anybody", preview_contact=62)


def test_the_form_shows_a_person_and_says_whom_to_include_first(panel: Panel) -> None:
    with panel.rt.database.read() as session:
        number = session.scalars(select(Number)).one().phone_number_id
    fields = {"number": number, "template": "spring|en", "slot-body-1-source": "name", "preview_person": "longest_name"}
    manager = panel.of(Role.MANAGER)
    assert "Choose whom to include first." in manager.send("/campaigns/preview", **fields).text
    drawn = manager.send("/campaigns/preview", include_what="list:Regulars", include_value="", **fields).text
    assert "gets it" in drawn
    assert 'name="preview_turn" value="0"' in drawn
    another = {"include_what": "tag:city", "include_value": "", "refresh": "another", "preview_turn": "4"}
    assert 'name="preview_turn" value="5"' in manager.send("/campaigns/preview", **fields, **another).text
    page = manager.send("/campaigns/new", **fields, **another)
    assert page.status_code == 200
    assert "gets it" in page.text


def test_a_person_of_another_language_is_shown_the_template_of_theirs(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        campaign = session.get_one(Campaign, 3)
        components = [{"type": "BODY", "text": "Hola {{1}}, ha llegado la primavera"}]
        make_template(
            session, session.scalars(select(Number)).one(), name="spring", language="es", components=components
        )
        campaign.variables = {"body": {"1": {"source": "name"}}}
        campaign.audience = {"include": [{"list": "Regulars"}], "exclude": []}
        campaign.languages, campaign.fallback_language = ["en", "es"], "en"
        session.get_one(Contact, 4).language = "es_MX"
    page = seen(panel, preview_person="other_language")
    assert 'Hola <mark class="wa-slot wa-value">Person 0</mark>, ha llegado la primavera' in page
    assert "gets it (es_MX)" in page


def test_the_picture_of_the_library_is_shown_on_the_page_and_in_the_form(panel: Panel) -> None:
    change(panel, [header("IMAGE"), body("Look")])
    file = add_media(panel.rt, "spring.jpg", [picture("JPEG", size=(1200, 628))], "test", utcnow())
    with panel.rt.database.write() as session:
        session.get_one(Campaign, 3).media = {"header": {"sha256": file.sha256}}
        number = session.scalars(select(Number)).one().phone_number_id
    shown = f'<img src="/admin/media/{file.id}/thumbnail" alt="Image: spring.jpg" loading="lazy">'
    assert shown in seen(panel)
    manager = panel.of(Role.MANAGER)
    fields = {"number": number, "template": "spring|en", "media_sha256": file.sha256}
    assert shown in manager.send("/campaigns/preview", **fields).text
    thumbnail = manager.client.get(f"/admin/media/{file.id}/thumbnail")
    assert (thumbnail.status_code, thumbnail.mimetype) == (200, "image/jpeg")
