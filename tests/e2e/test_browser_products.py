"""Products in a real browser: found while a campaign is composed, listed on their page, and the way of marketing chosen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from bot.sandbox.seed import WABA_ID
from tests.support.browser import Watched, browsing, serving
from tests.support.panel_app import PASSWORD, Panel

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
BODY = {"type": "BODY", "text": "Our picks for you."}
TEMPLATES = {
    "picks": [
        {"type": "HEADER", "format": "TEXT", "text": "Picks"},
        BODY,
        {"type": "BUTTONS", "buttons": [{"type": "MPM", "text": "View items"}]},
    ],
    "whole_shop": [BODY, {"type": "BUTTONS", "buttons": [{"type": "CATALOG", "text": "View catalog"}]}],
}


@pytest.fixture
def shop_browser(panel: Panel) -> Iterator[Watched]:
    """A number with a catalog that was read, and templates that show products."""
    for name, components in TEMPLATES.items():
        plan = {"name": name, "language": "en", "category": "MARKETING", "components": components}
        panel.shell.meta.call(panel.shell.meta.sim.world.add_template, WABA_ID, plan)
    panel.shell.add_number()
    panel.shell.ok("templates", "sync")
    panel.shell.ok("catalog", "sync")
    with serving(panel) as address, browsing(address) as watched:
        yield watched


def test_products_are_found_and_taken_while_a_campaign_is_composed(shop_browser: Watched) -> None:
    page = shop_browser.page
    shop_browser.sign_in("manager@example.com", PASSWORD)
    page.goto(f"{shop_browser.address}/admin/campaigns/new")
    page.get_by_label("Name", exact=True).fill("Picks")
    page.get_by_label("Number", exact=True).select_option(index=1)
    page.get_by_label("Template", exact=True).select_option("picks|en")
    page.get_by_label("Title of section 1").fill("Lamps")
    skus = page.get_by_label("Products of section 1")
    skus.press_sequentially("lamp")
    found = page.get_by_role("listbox", name="Products").get_by_role("option")
    found.filter(has_text="SKU-7").first.click()
    expect(skus).to_have_value("SKU-7\n")
    skus.press_sequentially("sku-9")
    expect(found.first).to_contain_text("SKU-9")
    skus.press("ArrowDown")
    skus.press("Enter")
    expect(skus).to_have_value("SKU-7\nSKU-9\n")
    expect(found).to_have_count(0)
    skus.press_sequentially("nothing of it")
    expect(page.get_by_text("No product matches.")).to_be_visible()
    skus.press("Escape")
    expect(page.get_by_text("No product matches.")).to_have_count(0)
    skus.fill("SKU-7\nSKU-23\nSKU-99")
    page.get_by_role("button", name="Add a section").click()
    expect(page.get_by_text("Blue Lamp 7 · 7.49 EUR")).to_be_visible()
    expect(page.get_by_text("not in stock")).to_be_visible()
    expect(page.get_by_text("The catalog does not have it.")).to_be_visible()
    shop_browser.check()


def test_products_and_the_way_of_marketing_have_their_pages(shop_browser: Watched) -> None:
    page = shop_browser.page
    shop_browser.sign_in("admin@example.com", PASSWORD)
    page.get_by_role("link", name="Products").click()
    expect(page.get_by_role("heading", name="Products")).to_be_visible()
    page.get_by_label("SKU or name").fill("mirror")
    page.get_by_label("SKU or name").press("Enter")
    expect(page.get_by_text("No product has this")).to_be_visible()
    page.get_by_label("SKU or name").fill("lamp")
    page.get_by_label("SKU or name").press("Enter")
    expect(page.get_by_role("row")).to_have_count(8)
    page.goto(f"{shop_browser.address}/admin/numbers/")
    page.get_by_text("change", exact=True).last.click()
    page.get_by_label("Marketing templates go").select_option("CLOUD_API_FALLBACK")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("what it refuses goes by the Cloud API", exact=True)).to_be_visible()
    shop_browser.check()
