"""One chat: reactions, edits and deletions are shown at the message that they are about."""

import re
from datetime import timedelta
from typing import Any

import pytest

from models.clock import utcnow
from models.tables.conversation import Direction, Message, MessageState
from models.tables.recipient import Recipient
from models.tables.user import Role
from tests.support.panel_app import Panel

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def add(panel: Panel, kind: str, body: str | None, *, seconds: float = 0, is_ours: bool = False, **values: Any) -> None:
    """A message of conversation 2."""
    now = utcnow()
    sides = (Direction.OUT, MessageState.ACCEPTED) if is_ours else (Direction.IN, MessageState.RECEIVED)
    with panel.rt.database.write() as session:
        at = now - timedelta(minutes=5) + timedelta(seconds=seconds)
        message = Message(conversation_id=2, direction=sides[0], state=sides[1], type=kind, body=body, at=at, **values)
        message.handled_at = now
        session.add(message)


def text_of(page: str) -> str:
    chat = page[page.index('data-part="chat"') :].split("</form>", maxsplit=1)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", chat).split())


def test_a_reaction_stands_at_its_message_and_in_no_line_of_its_own(panel: Panel) -> None:
    add(panel, "text", "Is it green?", wamid="w1")
    add(panel, "reaction", "👍", seconds=5, wamid="r1", context_wamid="w1")
    page = panel.of(Role.VIEWER).get("/inbox/2/")
    assert page.count("👍") == 1
    own = page[page.index("Is it green?</p>") :].split('class="message', maxsplit=1)[0]
    assert '<span class="pill reaction" title="Their reaction">' in own
    assert "[reaction]" not in page
    assert '<span class="last">Is it green?</span>' in page


def test_a_reaction_to_a_campaigns_message_stands_at_the_campaign(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        session.get_one(Recipient, 1).wamid = "wamid.c"
    add(panel, "reaction", "🎉", wamid="r1", context_wamid="wamid.c")
    page = panel.of(Role.VIEWER).get("/inbox/2/")
    assert re.search(r"Campaign: [^<]*<time[^>]*>[^<]*</time>\s*<span class=\"pill reaction\"[^>]*>", page)
    assert page.count("🎉") == 1


def test_an_edited_message_says_so_and_a_deleted_one_shows_nothing_of_what_it_was(panel: Panel) -> None:
    add(panel, "text", "At five", wamid="w1", payload={"type": "text", "edited": True})
    add(panel, "edit", "At five", seconds=5, wamid="e1", context_wamid="w1")
    add(panel, "text", None, seconds=10, wamid="w2", payload={"revoked": True})
    add(panel, "revoke", None, seconds=15, wamid="d1", context_wamid="w2")
    add(panel, "text", None, seconds=20, wamid="w3", is_ours=True, author="phone app", payload={"revoked": True})
    page = panel.of(Role.VIEWER).get("/inbox/2/")
    assert text_of(page).count("At five") == 1
    assert "· edited" in text_of(page)
    assert text_of(page).count("Message deleted") == 2
    assert "[revoke]" not in page
    assert "[edit]" not in page
    assert "You: Message deleted" in page


def test_what_is_about_a_message_that_is_not_kept_is_said_in_words(panel: Panel) -> None:
    for place, (kind, body) in enumerate(
        [("reaction", "👍"), ("reaction", None), ("edit", "{x}"), ("edit", None), ("revoke", None)]
    ):
        add(panel, kind, body, seconds=place, wamid=f"m{place}", context_wamid="gone")
    text = text_of(panel.of(Role.VIEWER).get("/inbox/2/"))
    for said in (
        "Reacted with 👍 to a message that is not here", "Took back a reaction to a message that is not here",
        "Edited a message that is not here: {x}", "Deleted a message that is not here",
    ):  # fmt: skip
        assert said in text


def test_a_delivered_message_shows_no_error_of_a_later_failure(panel: Panel) -> None:
    now = utcnow()
    failed: dict[str, Any] = {"failed_at": now, "error_msg": "Undeliverable", "error_code": 131026}
    add(panel, "text", "One", is_ours=True, author="bot", delivered_at=now, **failed)
    assert "Undeliverable" not in panel.of(Role.VIEWER).get("/inbox/2/")
    add(panel, "text", "Two", is_ours=True, author="bot", **failed)
    assert "Undeliverable" in panel.of(Role.VIEWER).get("/inbox/2/")


def test_buttons_lists_and_media_are_drawn_as_the_phone_shows_them(panel: Panel) -> None:
    rows = [{"id": "r", "title": "Blue", "description": "42"}]
    action = {"button": "Choose", "sections": [{"title": "Shoes", "rows": rows}]}
    interactive = {"type": "list", "body": {"text": "Which *one*?"}, "action": action}
    payload = {"type": "interactive", "interactive": interactive}
    add(panel, "interactive", "Which *one*?", is_ours=True, author="bot", payload=payload)
    add(panel, "image", "Like <this>?", seconds=5, payload={"type": "image", "image": {"id": "1", "caption": "old"}})
    add(panel, "order", None, seconds=9, payload={"type": "order", "order": {"product_items": [
        {"product_retailer_id": "SKU", "quantity": 2, "item_price": 5, "currency": "EUR"}]}})  # fmt: skip
    add(panel, "poll", None, seconds=12, payload={"type": "poll"})
    page = panel.of(Role.VIEWER).get("/inbox/2/")
    assert "Which <strong>one</strong>?" in page
    text = text_of(page)
    for said in (
        "Choose",
        "Shoes",
        "Blue",
        "42",
        "Image",
        "Like &lt;this&gt;?",
        "2 items",
        "10.00 EUR",
        "Poll: not drawn here",
    ):
        assert said in text
    assert "old" not in text


def test_a_campaigns_message_is_drawn_with_the_values_that_the_person_got(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        session.get_one(Recipient, 1).source_values = {"body": {"1": "Ana & co"}}
    page = panel.of(Role.VIEWER).get("/inbox/2/")
    assert "Hello Ana &amp; co, spring is here!" in page
    with panel.rt.database.write() as session:
        session.get_one(Recipient, 1).source_values = None
    assert 'Hello <mark class="wa-slot wa-missing">{{1}}</mark>, spring' in panel.of(Role.VIEWER).get("/inbox/2/")
