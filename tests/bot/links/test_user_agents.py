"""Telling people from previews and bots."""

import pytest

from bot.links.redirect import request_kind
from bot.links.user_agents import RULES, device_of, kind_of
from models.tables.click import ClickKind, DeviceClass

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
)
CUBOT = "Mozilla/5.0 (Linux; Android 12; CUBOT X70) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36"
TABLET = (
    "Mozilla/5.0 (Linux; Android 14; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
IN_APP = IPHONE + " [FBAN/FBIOS;FBAV/480.0]"
TELEVISION = "Roku/DVP-12.5"
IMESSAGE = MAC + " facebookexternalhit/1.1 Facebot Twitterbot/1.0"


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (IPHONE, DeviceClass.PHONE),
        (ANDROID, DeviceClass.PHONE),
        (CUBOT, DeviceClass.PHONE),
        (IN_APP, DeviceClass.PHONE),
        (TABLET, DeviceClass.TABLET),
        (IPAD, DeviceClass.TABLET),
        (MAC, DeviceClass.COMPUTER),
        (TELEVISION, DeviceClass.OTHER),
    ],
)
def test_browsers_are_people_on_a_class_of_device(agent: str, device: DeviceClass) -> None:
    assert (kind_of(agent), device_of(agent)) == (ClickKind.PERSON, device)


@pytest.mark.parametrize(
    "agent",
    [
        "WhatsApp/2.23.20.0 A", "WhatsApp/2.2410.1 W", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Twitterbot/1.0", "TelegramBot (like TwitterBot)", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "SkypeUriPreview Preview/0.5", IMESSAGE,
    ],
)  # fmt: skip
def test_chats_that_draw_a_preview_are_previews(agent: str) -> None:
    assert kind_of(agent) is ClickKind.PREVIEW


@pytest.mark.parametrize(
    "agent",
    [
        "", "   ", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "Mozilla/5.0 (compatible; UnheardOfBot/1.0)",
        "curl/8.5.0", "python-httpx/0.28.1", "Go-http-client/2.0", MAC.replace("Chrome", "HeadlessChrome"),
        "Some-Crawler 1.0", "x" * 10_000 + " ", "\x00",
    ],
)  # fmt: skip
def test_what_crawls_scans_or_has_no_name_is_a_bot_and_anything_else_a_person(agent: str) -> None:
    expected = ClickKind.PERSON if agent.startswith("x") or agent == "\x00" else ClickKind.BOT
    assert kind_of(agent) is expected


def test_a_head_request_and_a_fetch_in_advance_are_no_clicks() -> None:
    assert request_kind("GET", IPHONE, {}) is ClickKind.PERSON
    assert request_kind("HEAD", IPHONE, {}) is ClickKind.HEAD
    assert request_kind("HEAD", "WhatsApp/2.23.20.0 A", {}) is ClickKind.PREVIEW
    assert request_kind("HEAD", "", {}) is ClickKind.BOT
    for name, value in (("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"), ("X-Purpose", "preview")):
        assert request_kind("GET", IPHONE, {name: value}) is ClickKind.PREVIEW


def test_the_list_has_each_text_once() -> None:
    texts = [rule.text for rule in RULES]
    assert len(texts) == len(set(texts)) > 60
