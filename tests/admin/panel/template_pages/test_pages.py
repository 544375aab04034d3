"""Templates in the panel: written by clicks, submitted, looked at, duplicated, deleted; the list and Meta's library."""

import io
import re
from typing import Any

import pytest

from admin.panel.template_pages.form_of import values_of
from jobs.media.library import add_media
from models.clock import utcnow
from models.tables.user import Role
from tests.admin.panel.template_pages.test_form_values import BY_CLICKS, as_form
from tests.support.media import PNG, video
from tests.support.panel_app import Panel, Visitor
from tests.support.template_files import template_json
from tests.support.templates import at_meta, row_of

pytestmark = [pytest.mark.usefixtures("number_added"), pytest.mark.sqlite_only]


@pytest.fixture
def marketer(panel: Panel) -> Visitor:
    return panel.of(Role.MANAGER)


def fields(of: str, /, **changes: str) -> dict[str, Any]:
    return as_form(values_of(template_json(of))) | changes


def id_in(page: str) -> int:
    found = re.search(r"/admin/templates/([0-9]+)/(?:edit|submit|duplicate)", page)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("name", BY_CLICKS)
def test_every_format_is_written_by_clicks_and_opens_in_the_form_again(marketer: Visitor, name: str) -> None:
    page = marketer.post("/templates/new", **fields(name))
    assert "Saved as a draft" in page
    assert "Submit to Meta" in page
    form = marketer.get(f"/templates/{id_in(page)}/edit")
    assert "Still to do" not in form


def test_a_draft_is_submitted_approved_and_listed(panel: Panel, marketer: Visitor) -> None:
    page = marketer.post("/templates/new", **fields("coupon"), submit="1")
    assert "Submitted. Meta reviews it" in page
    panel.shell.meta.wait_at_rest(10)
    assert at_meta(panel.shell, "coupon", "en_US").status == "APPROVED"
    marketer.post("/templates/sync")
    assert "coupon" in marketer.get("/templates/?q=coup")
    shown = marketer.get(f"/templates/{row_of(panel.shell, 'coupon', 'en_US').id}/")
    assert "Created: draft" in shown
    assert "10 of 10 edits in 30 days are left" in shown


def test_problems_stand_at_their_fields_and_nothing_is_saved(marketer: Visitor) -> None:
    page = marketer.refused(
        "/templates/new", **fields("coupon", name="Upper Case", body="{{1}} is yours", footer="x" * 61)
    )
    for field, said in (("name", "lower case"), ("body", "begins with the variable"), ("footer", "at most 60")):
        assert re.search(rf'id="{field}-wrong">[^<]*{said}', page), field
    assert "Upper Case" not in marketer.get("/templates/")


def test_buttons_and_cards_come_and_go_without_a_script(marketer: Visitor) -> None:
    drawn = marketer.send("/templates/new", **fields("coupon"), add="button", **{"new-button": "tracked"}).text
    assert 'name="b-2-url" type="text" value="http://127.0.0.1:8000/l/{{1}}"' in drawn
    drawn = marketer.send("/templates/new", **fields("coupon"), drop="b-0").text
    assert "Unsubscribe" not in drawn
    drawn = marketer.send("/templates/new", **fields("media_cards"), add="card").text
    assert "Card 3" in drawn
    assert "Still to do" in drawn


def test_the_preview_and_the_samples_follow_what_is_typed(marketer: Visitor) -> None:
    changes = fields("coupon", body="Dear {{1}}, take {{2}} and {{3}} home.", refresh="1")
    drawn = marketer.send("/templates/new", **changes).text
    assert "Sample for {{3}}" in drawn
    preview = drawn[drawn.index('data-part="preview"') :]
    assert "take" in preview
    assert "{{3}}" in preview


def test_a_picture_is_uploaded_and_a_wrong_file_is_named_at_its_field(panel: Panel, marketer: Visitor) -> None:
    lto = fields("lto") | {"header-handle": ""}
    wrong = lto | {"header-file": (io.BytesIO(b"no picture"), "a.jpg")}
    refused = marketer.refused("/templates/new", **wrong)
    assert "a.jpg is text, not a picture: allowed are JPEG and PNG" in refused
    page = marketer.post("/templates/new", **lto | {"header-file": (io.BytesIO(PNG), "a.png"), "submit": "1"})
    assert "Submitted" in page
    handle = at_meta(panel.shell, "lto", "en_US").components[0]["example"]["header_handle"][0]
    assert panel.shell.meta.sim.media.handles[handle].data == PNG


def test_a_picture_of_the_library_is_chosen_and_let_go_again(panel: Panel, marketer: Visitor) -> None:
    rt = panel.shell.rt
    for name, content in (("spring.png", PNG), ("film.mp4", video())):
        add_media(rt, name, [content], "ana@example.com", utcnow())
    lto = fields("lto") | {"header-handle": ""}
    form = marketer.send("/templates/new", **lto, refresh="1").text
    (sample,) = re.findall(r'<option value="(file:[^"]+)">spring.png', form)
    assert "film.mp4" not in form
    chosen = marketer.send("/templates/new", **lto, refresh="1", **{"header-from": sample}).text
    assert f'name="header-handle" value="{sample}"' in chosen
    assert f'<option value="{sample}" selected>' in chosen
    let_go = marketer.send("/templates/new", **lto | {"header-handle": sample, "header-from": "", "refresh": "1"}).text
    assert 'name="header-handle" value=""' in let_go
    assert "Submitted" in marketer.post("/templates/new", **lto, submit="1", **{"header-from": sample})
    handle = at_meta(panel.shell, "lto", "en_US").components[0]["example"]["header_handle"][0]
    assert panel.shell.meta.sim.media.handles[handle].data == PNG


def test_an_approved_template_is_edited_and_the_edit_waits_beside_it(panel: Panel, marketer: Visitor) -> None:
    row = row_of(panel.shell, "opening_hours", "en")
    form = marketer.get(f"/templates/{row.id}/edit")
    assert "Save the edit" in form
    changes = as_form(
        values_of({**template_json("loc"), "name": row.name, "language": "en", "components": row.components})
    )
    page = marketer.post(f"/templates/{row.id}/edit", **changes | {"body": "Open all day, every day of the week."})
    assert "An edit waits" in page
    assert "What Meta has" in page
    assert "The edit is dropped" in marketer.post(f"/templates/{row.id}/discard")
    assert "there is no edit that waits" in marketer.post(f"/templates/{row.id}/discard")


def test_languages_are_tabs_and_another_is_a_duplicate(panel: Panel, marketer: Visitor) -> None:
    row = row_of(panel.shell, "spring_sale", "en")
    page = marketer.get(f"/templates/{row.id}/")
    assert re.findall(r'href="/admin/templates/\d+/"[^>]*>(\w+) <span class="soft">', page) == ["en", "es", "pt_BR"]
    form = marketer.post(f"/templates/{row.id}/duplicate", language="fr")
    assert "A draft in fr" in form
    listed = marketer.get("/templates/?q=spring_sale")
    assert listed.count("<h2><a") == 1
    assert "fr · draft" in listed
    deleted = marketer.post(f"/templates/{row.id}/delete", all="1")
    assert "Deleted spring_sale in every language." in deleted
    assert "No template has this in its name." in marketer.get("/templates/?q=spring_sale")


def test_a_pause_is_lifted(panel: Panel, marketer: Visitor) -> None:
    row = row_of(panel.shell, "winter_sale", "en")
    at_meta(panel.shell, "winter_sale", "en").quality = "YELLOW"
    assert "Lift the pause" in marketer.get(f"/templates/{row.id}/")
    assert "The pause is lifted." in marketer.post(f"/templates/{row.id}/unpause")


def test_metas_reason_and_what_to_do_stand_on_the_page(panel: Panel, marketer: Visitor) -> None:
    page = marketer.get(f"/templates/{row_of(panel.shell, 'lottery_win', 'en').id}/")
    assert "Meta's reason: scam" in page.replace("&#39;", "'")
    assert "takes it for a fraud" in page


def test_a_template_is_taken_from_the_library(panel: Panel, marketer: Visitor) -> None:
    page = marketer.get("/templates/library?q=on+its+way")
    assert "delivery_update_1" in page
    assert "order_confirmation_1" not in page
    taken = marketer.post(
        "/templates/library/take", source="delivery_update_1", language="en_US", name="our_delivery",
        **{"input-0": "https://shop.example/{{1}}"},
    )  # fmt: skip
    assert "our_delivery is here" in taken
    assert row_of(panel.shell, "our_delivery", "en_US").status == "APPROVED"


def test_json_becomes_a_draft_and_its_problems_are_listed(marketer: Visitor) -> None:
    assert "not JSON" in marketer.refused("/templates/load", text="{")
    assert "components[0].type" in marketer.refused("/templates/load", text='{"components": [{}]}')
    path = (
        '{"name": "x", "language": "en", "category": "MARKETING", "components": [{"type": "HEADER", "format": "IMAGE", '
    )
    path += '"example": {"header_handle": ["/etc/passwd"]}}, {"type": "BODY", "text": "Hi"}]}'
    assert "neither Meta's handle nor a file" in marketer.refused("/templates/load", text=path).replace("&#39;", "'")
    text = '{"name": "plain", "language": "en", "category": "UTILITY", "components": [{"type": "BODY", "text": "Hi there"}]}'
    assert "Saved as a draft" in marketer.post("/templates/load", text=text)


def test_a_viewer_looks_and_writes_nothing(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    page = viewer.get(f"/templates/{row_of(panel.shell, 'spring_sale', 'en').id}/")
    assert "Delete" not in page
    assert "New template" not in viewer.get("/templates/")
