"""The simulated phone: it shows each format as a phone does, and its buttons are really tapped."""

import re
from collections.abc import Iterator

import httpx
import pytest

from bot.sandbox.seed import PHONE_NUMBER_ID
from tests.support.media import PNG
from tests.support.preview_phones import FORMATS, PHONE, phones, send_sample, upload
from tests.support.sandbox_client import Caller
from tests.support.sandbox_receiver import Receiver


@pytest.fixture
def gallery_meta(receiver: Receiver) -> Iterator[Caller]:
    with phones(receiver.url) as caller:
        yield caller


def chat(meta: Caller, to: str = PHONE) -> str:
    """The HTML of a person's chat."""
    return str(meta.control.get("/page", params={"phone": to}).json()["chat"])


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_shown_as_a_phone_shows_it(name: str, gallery_meta: Caller) -> None:
    send_sample(gallery_meta, name)
    html = chat(gallery_meta)
    assert 'class="wa-bubble' in html
    assert "{{" not in html
    assert "not drawn" not in html


def test_each_quick_reply_of_a_carousel_says_its_own(gallery_meta: Caller, receiver: Receiver) -> None:
    wamid = send_sample(gallery_meta, "media_carousel")
    taps = re.findall(rf'data-wamid="{re.escape(wamid)}" data-choice="(\d+)"', chat(gallery_meta))
    assert taps == ["0", "2", "4"]
    for choice in taps:
        body = {"phone": PHONE, "wamid": wamid, "choice": int(choice)}
        assert gallery_meta.control.post("/inbound", json=body).status_code == 200
    gallery_meta.rest()
    assert [message["button"]["payload"] for message in receiver.messages] == ["card0", "card1", "card2"]


def test_replies_and_rows_are_buttons_and_links_are_not(gallery_meta: Caller) -> None:
    send_sample(gallery_meta, "text")
    html = chat(gallery_meta)
    assert re.findall(r'<button[^>]*data-choice="(\d)"', html) == ["0"]
    rows = [{"id": f"r{place}", "title": f"Row {place}"} for place in range(3)]
    gallery_meta.handle.say(PHONE, "hello")
    action = {"button": "Choose", "sections": [{"title": "S", "rows": rows}]}
    listed = {"type": "list", "body": {"text": "Which?"}, "action": action}
    answer = gallery_meta.post({"to": PHONE, "type": "interactive", "interactive": listed})
    wamid = answer.json()["messages"][0]["id"]
    assert re.findall(rf'data-wamid="{re.escape(wamid)}" data-choice="(\d)"', chat(gallery_meta)) == ["0", "1", "2"]


def test_forms_and_carts_are_filled_in_below_the_message(gallery_meta: Caller) -> None:
    send_sample(gallery_meta, "multi_product")
    html = chat(gallery_meta)
    assert "Blue sneaker" in html
    assert 'class="answer"' in html
    assert not re.search(r"<button[^>]*data-choice", html)


def test_what_a_person_sends_is_drawn_on_their_side(gallery_meta: Caller) -> None:
    location = {"type": "location", "location": {"latitude": 1.5, "longitude": 2.5, "name": "<b>Home</b>"}}
    gallery_meta.control.post("/inbound", json={"phone": PHONE, "message": location})
    html = chat(gallery_meta)
    assert '<div class="wa wa-out">' in html
    assert "&lt;b&gt;Home&lt;/b&gt;" in html


def test_the_page_loads_its_style_and_pictures_from_the_sandbox_alone(gallery_meta: Caller) -> None:
    send_sample(gallery_meta, "image")
    page = httpx.get(gallery_meta.handle.url + "/", params={"phone": PHONE})
    addresses = re.findall(r'(?:src|href)="([^"?]+)', page.text)
    assert {address[0] for address in addresses} == {"/"}
    picture = re.search(r'src="(/_sandbox/media/\d+)"', page.text)
    assert picture is not None
    answer = httpx.get(gallery_meta.handle.url + picture[1])
    assert (answer.content, answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == (
        PNG,
        "image/png",
        "nosniff",
    )
    style = httpx.get(gallery_meta.handle.url + "/_sandbox/preview.css")
    assert style.headers["Content-Type"].startswith("text/css")
    assert "img-src 'self'" in page.headers["Content-Security-Policy"]


def test_only_pictures_are_served_without_a_token(gallery_meta: Caller) -> None:
    document = upload(gallery_meta, "application/pdf", b"%PDF-1.4", "a.pdf")
    for identifier in (document, "1", PHONE_NUMBER_ID):
        assert httpx.get(f"{gallery_meta.handle.url}/_sandbox/media/{identifier}").status_code == 404


def test_a_message_of_a_template_that_was_deleted_is_named(gallery_meta: Caller) -> None:
    send_sample(gallery_meta, "catalog")
    gallery_meta.http.delete("/100000000000001/message_templates", params={"name": "catalog"})
    assert "Template catalog" in words(chat(gallery_meta))
