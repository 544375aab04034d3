"""A template in a real browser: written by clicks with the phone beside it, submitted, and approved."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from models.tables.user import Role
from tests.support.browser import Watched, browsing, serving
from tests.support.media import picture
from tests.support.panel_app import PASSWORD, Panel
from tests.support.templates import at_meta

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]


@pytest.fixture(params=(1280, 390))
def template_browser(request: pytest.FixtureRequest, panel: Panel, number_added: None) -> Iterator[Watched]:
    size = {"width": request.param, "height": 850}
    with serving(panel) as address, browsing(address, viewport=size) as watched:
        watched.sign_in(f"{Role.MANAGER.value}@example.com", PASSWORD)
        yield watched


def test_a_carousel_is_written_by_clicks_and_approved(panel: Panel, template_browser: Watched) -> None:
    page = template_browser.page
    template_browser.open("/templates/new")
    page.get_by_label("What it is").select_option("carousel")
    page.get_by_label("Name", exact=True).fill("summer_cards")
    page.get_by_label("Text", exact=True).fill("Chosen for you, {{1}}: our spring shoes.")
    page.get_by_label("Sample for {{1}}").fill("Ana")
    expect(page.locator(".wa-body").first).to_contain_text("Chosen for you, Ana")
    expect(page.get_by_text("has 0 cards; allowed are 2 to 10")).to_be_visible()
    page.get_by_role("button", name="Add a card").click()
    page.get_by_role("button", name="Add a card").click()
    page.get_by_label("Kind of the new button").select_option("QUICK_REPLY")
    page.get_by_role("button", name="Add to every card").click()
    for card, words in enumerate(("Blue", "Red")):
        group = page.locator(f"#c-{card}")
        group.get_by_label("Sample that Meta reviews").set_input_files(
            {"name": f"{words}.png", "mimeType": "image/png", "buffer": picture()}
        )
        group.get_by_label("Text", exact=True).fill(words)
        group.get_by_label("Label").fill("More")
    expect(page.locator("[data-part=preview]")).to_contain_text("Red")
    page.get_by_role("button", name="Save and submit to Meta").click()
    expect(page.get_by_role("status")).to_contain_text("Submitted")
    panel.shell.meta.wait_at_rest(10)
    assert at_meta(panel.shell, "summer_cards", "en").status == "APPROVED"
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
    template_browser.check()
