"""Each format on the simulated phone and in the panel's preview, in a real browser: they are alike, and within Meta's limits."""

import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from bot.sandbox.seed import PHONE_NUMBER_ID, WABA_ID
from models.tables.user import Role
from tests.support.browser import Watched, browsing, serving
from tests.support.message_formats import FORMATS, with_ours
from tests.support.panel_app import PASSWORD, Panel
from tests.support.proof import rounds
from tests.support.sandbox_client import Caller

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
MEASURED = """root => {
  const shown = [...root.querySelectorAll("[class^=wa-]")].filter(
    part => part.checkVisibility() && !part.closest(".wa-stamp, .wa-caption, .wa-slot, svg"));
  return shown.map(part => {
    const box = part.getBoundingClientRect(), whole = root.getBoundingClientRect();
    return [part.className.replace(" wa-in", ""), ...[box.x - whole.x, box.y - whole.y, box.width, box.height].map(Math.round)];
  });
}"""
"""Class, place and size of everything visible. A mark is no element of the phone, a name of a file only the panel knows."""
WORDS = """root => [...root.querySelectorAll(".wa-title, .wa-body, .wa-footer, .wa-button, .wa-name, .wa-soft")].map(
  part => part.textContent.trim())"""
LIMITS = """root => ({
  bubble: root.querySelector(".wa-bubble").getBoundingClientRect().width,
  page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  buttons: [...root.querySelectorAll(".wa-bubble > .wa-buttons > .wa-button, .wa-bubble > .wa-buttons > .wa-all > summary")].length,
  cards: [...root.querySelectorAll(".wa-card")].map(card => Math.round(card.getBoundingClientRect().height)),
  cardButtons: [...root.querySelectorAll(".wa-card")].map(card => card.querySelectorAll(".wa-button").length),
  wall: getComputedStyle(root.querySelector(".wa-bubble")).backgroundColor,
})"""
PICTURES = os.environ.get("PREVIEW_PICTURES")
"""A directory for the pictures of both, for looking at them."""


@pytest.fixture
def formats_made(panel: Panel, number_added: None) -> dict[str, int]:
    """A campaign of every format, whose message somebody got; its id by the format's name."""
    shell, world = panel.shell, panel.shell.meta.sim.world
    caller = Caller(shell.meta)
    for each in FORMATS:
        shell.meta.call(world.add_template, WABA_ID, each.template)
    shell.ok("templates", "sync")
    shell.ok("catalog", "sync")
    made = {}
    for place, each in enumerate(FORMATS):
        template = {
            "name": each.name,
            "language": {"code": "en"},
            "components": with_ours(each.sent, "payload", "token"),
        }
        answer = caller.post({"to": phone_of(place), "type": "template", "template": template})
        assert answer.status_code == 200, (each.name, answer.text)
        file = {
            "name": each.name,
            "number": PHONE_NUMBER_ID,
            "template": {"name": each.name, "language": "en"},
            **each.added,
        }
        made[each.name] = shell.data("campaigns", "create", shell.file("campaign.json", file))["id"]
    caller.close()
    return made


def phone_of(place: int) -> str:
    return f"+3460000{place:04}"


def measured(page: Page, selector: str) -> tuple[Any, Any, Any]:
    """The geometry, the words and what the limits are held against, of the message that the selector finds last."""
    message = page.locator(selector).last
    message.wait_for()
    return message.evaluate(MEASURED), message.evaluate(WORDS), message.evaluate(LIMITS)


def look(page: Page, selector: str, name: str) -> None:
    if PICTURES:
        page.locator(selector).last.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.mark.parametrize(("width", "colours"), rounds([(390, "dark")], [*product((1280, 390), ("light", "dark"))]))
def test_every_format_is_alike_on_the_phone_and_in_the_preview_and_within_metas_limits(
    width: int, colours: Any, panel: Panel, formats_made: dict[str, int]
) -> None:
    with (
        serving(panel) as address,
        browsing(address, viewport={"width": width, "height": 900}, color_scheme=colours) as browser,
    ):
        browser.sign_in(f"{Role.VIEWER.value}@example.com", PASSWORD)
        for place, each in enumerate(FORMATS):
            name = f"{each.name}-{width}-{colours}"
            browser.open(f"/campaigns/{formats_made[each.name]}/")
            ours, our_words, our_limits = measured(browser.page, ".wa")
            look(browser.page, ".wa-screen", f"{name}-panel")
            assert [url for url in browser.outside if not url.startswith(panel.shell.meta.url)] == []
            assert browser.complaints == []
            theirs, their_words, their_limits = on_the_phone(browser, panel, place, name)
            assert our_words == their_words, each.name
            assert ours == theirs, each.name
            assert our_limits == their_limits | {"page": our_limits["page"]}, each.name
            check_limits(our_limits, colours)
            assert their_limits["page"] <= 0


def on_the_phone(browser: Watched, panel: Panel, place: int, name: str) -> tuple[Any, Any, Any]:
    """The same message on the simulated phone."""
    browser.page.goto(f"{panel.shell.meta.url}/?phone=%2B{phone_of(place)[1:]}")
    found = measured(browser.page, "#chat .wa-in")
    browser.complaints.clear()  # the phone has no icon
    look(browser.page, "#chat .wa-in", f"{name}-phone")
    return found


def check_limits(found: dict[str, Any], colours: str) -> None:
    """Meta's limits (docs/meta.md §2.3, §2.5), and what a phone does."""
    assert found["page"] <= 0  # nothing is wider than the page
    assert 84 <= found["bubble"] <= 300
    assert found["buttons"] <= 3
    assert len(found["cards"]) <= 10
    assert len(set(found["cards"])) <= 1  # cards of one height
    assert all(count <= 2 for count in found["cardButtons"])
    assert found["wall"] == ("rgb(255, 255, 255)" if colours == "light" else "rgb(36, 38, 38)")
