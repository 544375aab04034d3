"""Link clicks that Meta reports."""

import json
from typing import Any

from bot.webhooks.parse import parse_payload
from models.clicks.meta_reports import LINK_CLICK
from models.clock import from_unix


def body(*actions: Any, number: str | None = "106540352242922") -> bytes:
    value = {"messaging_product": "whatsapp", "user_actions": list(actions), "metadata": {"phone_number_id": number}}
    return json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
        }
    ).encode()


def click(**data: Any) -> dict[str, Any]:
    return {"action_type": LINK_CLICK, "timestamp": "1782800000", f"{LINK_CLICK}_data": data}


def test_the_same_click_has_the_same_key_whatever_else_is_said_of_it() -> None:
    view = {"action_type": "landing_page_view", "timestamp": "1782800001", "landing_page_view_data": {"click_id": "c1"}}
    found = parse_payload(
        body(click(click_id="c1", click_component="cta"), click(click_id="c1"), click(), click(), view)
    )
    assert [(it.action_type, it.phone_number_id) for it in found.clicks[:1]] == [(LINK_CLICK, "106540352242922")]
    assert found.clicks[0].at == from_unix(1782800000)
    keys = [it.key for it in found.clicks]
    assert (keys[0] == keys[1], keys[2] == keys[3], len(set(keys)), found.size) == (True, True, 3, 5)


def test_a_broken_action_costs_no_other_and_one_of_no_number_is_ignored() -> None:
    found = parse_payload(
        body("x", {"timestamp": "1"}, {"action_type": "new_one", "timestamp": "soon"}, click(click_id="c"))
    )
    assert (len(found.broken), len(found.clicks)) == (3, 1)
    assert parse_payload(body(click(), number=None)).ignored == 1
