"""A picture's way: uploaded in the panel, chosen in a campaign, at Meta once, in every message, renewed in time."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from jobs.campaigns.launch import launch_campaign
from jobs.media.renewal import renew_for_number, wake_media_renewal
from jobs.media.upload import LIFE, MARGIN
from jobs.sending.serve import serve_number
from models.clock import utcnow
from tests.support.browser import Watched, browsing, serving
from tests.support.media import PDF, picture
from tests.support.panel_app import PASSWORD, Panel

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]
SPRING = picture(size=(1200, 628))


@pytest.fixture
def composer(panel: Panel) -> Iterator[Watched]:
    panel.shell.add_number()
    panel.shell.add_people()
    with serving(panel) as address, browsing(address) as watched:
        watched.sign_in("manager@example.com", PASSWORD)
        yield watched


def payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def sent_headers(panel: Panel) -> list[Any]:
    bodies = panel.shell.meta.call(lambda: [message.body for message in panel.shell.meta.store.messages])
    return [body["template"]["components"][0]["parameters"][0]["image"] for body in bodies if body is not None]


def test_a_picture_goes_from_the_panel_into_every_message_and_is_renewed(panel: Panel, composer: Watched) -> None:
    page = composer.page
    page.get_by_role("link", name="Media").click()
    page.get_by_label("Files").set_input_files([payload("spring.png", SPRING), payload("photo.jpg", PDF)])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("spring.png is in the library.")).to_be_visible()
    expect(page.get_by_text("Photo.jpg is a PDF, not a picture: allowed are JPEG and PNG")).to_be_visible()
    expect(page.locator(".media-grid img")).to_have_js_property("naturalWidth", 480)

    composer.open("/campaigns/new")
    page.get_by_label("Name", exact=True).fill("With a picture")
    page.get_by_label("Number", exact=True).select_option(index=1)
    page.get_by_label("Template", exact=True).select_option("new_collection|en")
    page.get_by_label("Source of body 1").select_option("name")
    page.get_by_label("spring.png").check()
    page.get_by_label("Include", exact=True).first.select_option("tag:vip")
    expect(page.locator("[data-part=reach]")).to_contain_text("Can be written to")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved. It is ready.")
    page.get_by_role("button", name="Start now").click()
    page.get_by_role("dialog").get_by_role("button", name="Start now").click()
    expect(page.get_by_role("status")).to_have_text("Started.")

    launch_campaign(1)
    sender = threading.Thread(target=serve_number, args=(1,))
    sender.start()
    expect(page.locator("[data-number=sent]")).to_have_text("2")
    (at_meta,) = panel.shell.meta.sim.media.items.values()
    assert at_meta.data == SPRING
    assert sent_headers(panel) == [{"id": at_meta.id}] * 2

    composer.open("/media/1")
    expect(page.get_by_role("link", name="With a picture")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("spring.png is used by campaign 1 (With a picture)")).to_be_visible()

    later = utcnow() + LIFE - MARGIN + timedelta(minutes=1)
    assert wake_media_renewal(panel.rt, later) == 1
    renew_for_number(panel.rt, 1, later)
    assert len(panel.shell.meta.sim.media.items) == 2
    composer.open("/campaigns/1/")
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="End").click()
    sender.join(60)
    assert not sender.is_alive()
    composer.check()


def test_the_library_works_on_a_phone_and_without_scripts(panel: Panel) -> None:
    with (
        serving(panel) as address,
        browsing(address, java_script_enabled=False, viewport={"width": 390, "height": 844}) as watched,
    ):
        watched.sign_in("manager@example.com", PASSWORD)
        page = watched.page
        watched.open("/media/")
        page.get_by_label("Files").set_input_files([payload("spring.png", SPRING)])
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_text("spring.png is in the library.")).to_be_visible()
        page.get_by_role("link", name="spring.png").click()
        expect(page.get_by_role("img", name="spring.png")).to_be_visible()
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("spring.png is removed.")).to_be_visible()
