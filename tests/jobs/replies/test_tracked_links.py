"""The link buttons of a bot flow that answers a campaign are tracked links of the campaign."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jobs.replies.tracked_links import reachable_base
from models.clicks.codes import read_code
from models.config import Settings
from models.tables.tracked_link import TrackedLink
from tests.support.chat_rig import Chat

pytestmark = pytest.mark.sqlite_unless_proved
SHOP = "https://shop.example.com/spring"
FLOW = f"""
name: shop
start: look
nodes:
  look: {{type: message, text: "Look:", link: {{title: See, url: "{SHOP}"}}, next: yours}}
  yours: {{type: message, text: "Yours:", link: {{title: See, url: "{SHOP}?name={{first_name}}"}}, next: bye}}
  bye: {{type: end, text: "Bye."}}
"""


def urls(chat: Chat) -> list[str]:
    """The addresses of the link buttons that were sent."""
    bodies: list[dict[str, Any]] = [body["interactive"] for body in chat.meta.bodies if body["type"] == "interactive"]
    return [body["action"]["parameters"]["url"] for body in bodies]


def test_an_address_that_is_the_same_for_all_is_tracked_for_the_campaign_and_the_person(chat: Chat) -> None:
    flow_id = chat.flow(FLOW, is_fallback=True)
    ann = chat.conversation("+34600010001")
    campaign_id, recipient_id, wamid = chat.campaign(ann, flow_id)
    chat.says(ann, "hello", context=wamid)
    assert chat.answer() == ["Look:", "Yours:", "Bye."]
    tracked, own = urls(chat)
    base = chat.rt.settings.link_base
    assert tracked.startswith(f"{base}/l/")
    assert own == f"{SHOP}?name=Ann"
    with chat.rt.database.read() as session:
        (link,) = session.scalars(select(TrackedLink)).all()
    assert (link.campaign_id, link.field, link.url) == (campaign_id, "flow: look", SHOP)
    code = read_code(tracked.removeprefix(f"{base}/l/"))
    assert code is not None
    assert (code.link_id, code.recipient_id, code.is_signed_by(link.key)) == (link.id, recipient_id, True)

    bea = chat.conversation("+34600010002")
    chat.says(bea, "hello")
    chat.answer()
    assert urls(chat)[2:] == [SHOP, f"{SHOP}?name=Ann"]


def test_where_phones_do_not_reach_our_links_those_of_flows_stay_as_they_are() -> None:
    settings = Settings(
        "sqlite://", None, Path(), public_url="http://127.0.0.1:8000", link_url="https://go.example.com"
    )
    assert reachable_base(settings) == "https://go.example.com"
    assert reachable_base(replace(settings, link_url=None)) is None
    assert (
        reachable_base(replace(settings, link_url=None, graph_api_url="http://127.0.0.1:9")) == "http://127.0.0.1:8000"
    )
