"""The panel in a real browser: what a person does with it from the first sign-in to a campaign that is sent."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from jobs.campaigns.launch import launch_campaign
from jobs.campaigns.lifecycle import pause_campaign
from jobs.sending.serve import serve_number
from models.clock import utcnow
from models.tables.user import Role
from tests.support.browser import Watched, browsing, serving
from tests.support.panel_app import PASSWORD, Panel
from tests.support.panel_routes import path, rules
from tests.support.panel_seed import furnish

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
NO_PAGES = (
    ".csv", ".xlsx", ".zip", ".json", ".bin", "/live", "/checks", "/cost", "/bought", "/part", "/file", "/thumbnail",
)  # fmt: skip
"""How addresses end that lead to a file, or to a part of a page."""


@pytest.fixture
def browser(panel: Panel) -> Iterator[Watched]:
    with serving(panel) as address, browsing(address) as watched:
        yield watched


def test_a_newcomer_chooses_a_password_before_anything_else(panel: Panel, browser: Watched) -> None:
    one_time, page = panel.newcomer(), browser.page
    browser.sign_in("new@example.com", one_time)
    expect(page.get_by_role("heading")).to_have_text("Choose your own password")
    page.get_by_label("New password").fill("a sentence of my own")
    page.get_by_label("The same again").fill("a sentence of my own")
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    browser.check()


def test_a_campaign_is_made_by_clicks_started_and_its_numbers_move(panel: Panel, browser: Watched) -> None:
    panel.shell.add_number()
    panel.shell.add_people()
    page = browser.page
    browser.sign_in("manager@example.com", PASSWORD)
    page.get_by_role("link", name="Campaigns").click()
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name", exact=True).fill("Spring by clicks")
    page.get_by_label("Number", exact=True).select_option(index=1)
    page.get_by_label("Template", exact=True).select_option("spring_sale|en")
    expect(page.locator(".wa-body")).to_contain_text("our spring sale is on")
    page.get_by_label("Source of body 1").select_option("name")
    expect(page.locator("mark.wa-slot").first).to_have_text("‹name›")
    page.get_by_label("Source of body 2").select_option("text")
    page.get_by_label("Text for body 2").fill("20 %")
    page.get_by_label("Include", exact=True).first.select_option("tag:vip")
    expect(page.locator("[data-part=reach]")).to_contain_text("Can be written to")
    page.get_by_label("Text for body 2").press("Tab")
    expect(page.locator("mark.wa-slot").nth(1)).to_have_text("20 %")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved. It is ready.")
    expect(page.get_by_text("Ready to start")).to_be_visible()

    page.get_by_role("button", name="Start now").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cannot be taken back")
    dialog.get_by_role("button", name="Keep it as it is").click()
    expect(page.get_by_text("Ready to start")).to_be_visible()
    page.get_by_role("button", name="Start now").click()
    dialog.get_by_role("button", name="Start now").click()
    expect(page.get_by_role("status")).to_have_text("Started.")

    launch_campaign(1)
    expect(page.locator("[data-number=eligible]")).to_have_text("2")
    sender = threading.Thread(target=serve_number, args=(1,))
    sender.start()
    expect(page.locator("[data-number=sent]")).to_have_text("2")
    page.get_by_role("button", name="End", exact=True).click()
    dialog.get_by_role("button", name="End").click()
    expect(page.get_by_role("heading", name="Spring by clicks")).to_contain_text("Ended")
    sender.join(60)
    assert not sender.is_alive()
    browser.check()


def test_the_preview_is_drawn_again_while_somebody_types_and_takes_no_focus(panel: Panel, browser: Watched) -> None:
    panel.shell.add_number()
    page = browser.page
    browser.sign_in("manager@example.com", PASSWORD)
    browser.open("/campaigns/new")
    page.get_by_label("Number", exact=True).select_option(index=1)
    page.get_by_label("Template", exact=True).select_option("spring_sale|en")
    page.get_by_label("Source of body 2").select_option("text")
    field = page.get_by_label("Text for body 2")
    field.click()
    field.press_sequentially("*30 %* & ", delay=30)
    expect(page.locator(".wa-body strong")).to_have_text("30 %")
    expect(field).to_be_focused()
    field.press_sequentially("more")
    expect(page.locator(".wa-body")).to_contain_text("30 % & more off")
    page.get_by_label("Colours of the phone").select_option("dark")
    expect(page.locator(".wa-screen.wa-dark")).to_be_visible()
    browser.check()


def test_a_choice_made_before_the_script_came_is_drawn_as_soon_as_it_comes(panel: Panel, browser: Watched) -> None:
    panel.shell.add_number()
    page = browser.page
    browser.sign_in("manager@example.com", PASSWORD)

    def choose_before_it_comes(route: Route) -> None:
        page.locator("#number").evaluate("number => { number.selectedIndex = 1; }")
        route.continue_()

    page.route("**/panel.js*", choose_before_it_comes)
    browser.open("/campaigns/new")
    page.get_by_label("Template", exact=True).select_option("spring_sale|en")
    expect(page.locator(".wa-body")).to_contain_text("our spring sale is on")
    browser.check()


def test_what_is_asked_about_is_done_although_the_page_has_changed_meanwhile(panel: Panel, browser: Watched) -> None:
    furnish(panel.rt)
    page = browser.page
    browser.sign_in("manager@example.com", PASSWORD)
    browser.open("/campaigns/1/")
    page.get_by_role("button", name="End", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cannot be started again")
    pause_campaign(panel.rt, 1, utcnow(), "test")
    for _ in range(2):  # the first may have been asked before the pause
        with page.expect_response("**/live"):
            pass
    dialog.get_by_role("button", name="End").click()
    expect(page.get_by_role("status")).to_have_text("Ended.")
    browser.check()


def test_every_page_stays_on_this_machine_and_has_nothing_to_complain_about(panel: Panel, browser: Watched) -> None:
    furnish(panel.rt)
    browser.sign_in("admin@example.com", PASSWORD)
    for rule in rules(panel, "GET"):
        if not rule.rule.endswith(NO_PAGES):
            browser.open(path(rule))
            assert browser.page.locator("h1").first.inner_text(), rule
            width = browser.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert width <= 0, (rule, width)
    browser.check()


def test_the_panel_works_on_a_phone(panel: Panel) -> None:
    furnish(panel.rt)
    with serving(panel) as address, browsing(address, viewport={"width": 390, "height": 800}) as watched:
        watched.sign_in("viewer@example.com", PASSWORD)
        for where in ("/", "/campaigns/", "/campaigns/1/", "/contacts/", "/inbox/1/", "/templates/", "/money/"):
            watched.open(where)
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= 390, where
        watched.page.get_by_text("Menu").click()
        watched.page.get_by_role("link", name="Contacts").click()
        expect(watched.page.get_by_role("heading", name="Contacts")).to_be_visible()
        watched.check()


def test_the_panel_works_without_scripts(panel: Panel) -> None:
    panel.shell.add_number()
    panel.shell.add_people()
    with serving(panel) as address, browsing(address, java_script_enabled=False) as watched:
        page = watched.page
        watched.sign_in("manager@example.com", PASSWORD)
        watched.open("/campaigns/new")
        page.get_by_label("Name", exact=True).fill("By hand")
        page.get_by_label("Number", exact=True).select_option(index=1)
        page.get_by_role("button", name="Show the template").click()
        page.get_by_label("Template", exact=True).select_option("spring_sale|en")
        page.get_by_label("Include", exact=True).first.select_option("tag:vip")
        page.get_by_role("button", name="Show the template").click()
        for place in ("1", "2"):
            page.get_by_label(f"Source of body {place}").select_option("name")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_have_text("Saved. It is ready.")
        page.get_by_role("link", name="Show it").click()
        expect(page.get_by_text("Can be written to")).to_be_visible()
        page.get_by_role("button", name="Start now").click()
        expect(page.get_by_role("heading", name="Start this campaign now?")).to_be_visible()
        page.get_by_role("button", name="Start now").click()
        expect(page.get_by_role("status")).to_have_text("Started.")


def test_the_builder_counts_as_a_rule_is_filled_in_and_says_at_the_condition_what_is_wrong(
    panel: Panel, browser: Watched
) -> None:
    furnish(panel.rt)
    page = browser.page
    browser.sign_in("manager@example.com", PASSWORD)
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    browser.open("/segments/new")
    page.locator("#c-0-0-on").select_option("tag")
    page.get_by_label("Which", exact=True).select_option("city")
    total = page.locator(".figure-box b")
    expect(total).to_have_text("60")
    page.locator("#c-0-1-on").select_option("last_engaged")
    page.locator("#c-0-1-op").select_option("between")
    page.get_by_label("From", exact=True).fill("2026-03-02")
    page.get_by_label("To", exact=True).fill("2026-03-01")
    expect(page.locator(".wrong:visible")).to_contain_text("the lower one comes first")
    expect(total).to_have_text("–")
    page.get_by_role("button", name="Remove this condition").nth(1).click()
    expect(total).to_have_text("60")
    expect(page.get_by_label("How", exact=True)).to_have_count(1)
    browser.check()


def test_people_are_picked_by_clicks_and_by_keys(panel: Panel, browser: Watched) -> None:
    furnish(panel.rt)
    browser.sign_in("manager@example.com", PASSWORD)
    page = browser.page
    browser.open("/campaigns/new")
    search = page.get_by_role("combobox", name="Single people", exact=True)
    options = page.locator(".options-list:not([hidden]) [role=option]")
    picked = page.get_by_label("Picked: Single people", exact=True)
    field = page.locator("input[name=include_people]")
    search.fill("ali")
    expect(options).to_have_count(1)
    search.press("Enter")
    expect(picked).to_contain_text("Alice +34600000001")
    search.fill("city")
    expect(options).to_have_count(12)
    search.press("ArrowDown")
    search.press("Enter")
    options.nth(0).click()
    expect(picked.get_by_role("listitem")).to_have_count(3)
    assert field.input_value().startswith("+34600000001, +34600")
    options.nth(0).click()  # and off again
    search.fill("")
    search.press("Backspace")
    expect(picked.get_by_role("listitem")).to_have_count(1)
    page.get_by_label("Name", exact=True).fill("Alice alone")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Alice alone")).to_be_visible()
    expect(page.get_by_text("contact +34600000001")).to_be_visible()

    browser.open("/lists/1/")
    page.get_by_role("combobox", name="Put people on it").fill("person 59")
    expect(options).to_have_count(1)
    options.nth(0).click()
    page.get_by_role("button", name="Put on the list").click()
    expect(page.get_by_role("status").first).to_have_text("1 put on the list.")
    page.get_by_title("Take Person 59 off the list").click()
    expect(page.get_by_role("status").first).to_have_text("Taken off the list.")
    browser.check()


def test_an_agent_answers_in_the_inbox(panel: Panel, browser: Watched) -> None:
    furnish(panel.rt)
    browser.sign_in("agent@example.com", PASSWORD)
    page = browser.page
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("link", name="Alice").click()
    expect(page.get_by_text("Do you have it in green?").last).to_be_visible()
    page.get_by_label("Your answer").fill("Yes, in three greens.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message.out").last).to_contain_text("Yes, in three greens.")
    expect(page.get_by_role("button", name="Close the case")).to_be_visible()
    browser.check()


def test_roles_see_the_buttons_that_are_theirs(panel: Panel, browser: Watched) -> None:
    furnish(panel.rt)
    browser.sign_in(f"{Role.VIEWER.value}@example.com", PASSWORD)
    browser.open("/campaigns/3/")
    expect(browser.page.get_by_role("heading", name="Loyal")).to_be_visible()
    assert browser.page.get_by_role("button", name="Start now").count() == 0
    assert browser.page.get_by_role("link", name="Users").count() == 0
