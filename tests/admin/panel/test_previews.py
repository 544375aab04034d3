"""The drawn messages on the panel's pages, and their style sheet."""

import re
from typing import Any

import pytest

from admin.panel.template_preview import draw_components, source_values
from bot.preview.filled_text import SlotState, SlotValue
from models.tables.template import Template
from models.tables.user import Role
from tests.support.panel_app import Panel
from tests.support.preview_gallery import TEMPLATES

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


def test_without_a_person_a_placeholder_names_where_its_value_comes_from() -> None:
    values = source_values({"body": {
        "1": {"source": "first_name"}, "2": {"source": "text", "text": "20 %"}, "3": {"source": "tag", "tag": "size"},
        "4": {"source": "order", "field": "total"}, "5": {"source": "text", "text": ""}, "6": "x"}, "header": 5})  # fmt: skip
    assert values == {"body": {
        "1": SlotValue("‹first name›", SlotState.EXAMPLE, "first_name: first name"), "2": SlotValue("20 %"),
        "3": SlotValue("‹size›", SlotState.EXAMPLE, "tag: size"),
        "4": SlotValue("‹latest order: total›", SlotState.EXAMPLE, "order: latest order: total")}}  # fmt: skip
