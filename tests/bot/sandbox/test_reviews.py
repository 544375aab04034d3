"""Templates: listed, reviewed, edited and deleted."""

from typing import Any

import httpx
import pytest

from tests.support.sandbox_client import TOKEN, Caller, body
from tests.support.sandbox_plans import ANA, LIST, plan
from tests.support.sandbox_receiver import Receiver


def test_templates_are_listed_in_pages_with_cursors(meta: Caller) -> None:
    seen: list[str] = []
    url: str | None = str(meta.http.base_url.join(LIST.removeprefix("/"))) + "?limit=5&fields=name,language,status"
    pages = 0
    while url:
        page = httpx.get(url, headers=TOKEN).json()
        seen += [f"{item['name']}/{item['language']}" for item in page["data"]]
        url, pages = page["paging"].get("next"), pages + 1
    assert pages == 3
    assert len(seen) == len(set(seen)) == 14
    back = meta.http.get(LIST, params={"limit": 5, "before": page["paging"]["cursors"]["before"]}).json()
    assert [item["name"] for item in back["data"]] == [name.partition("/")[0] for name in seen[5:10]]


def test_templates_are_filtered_by_name_and_status(meta: Caller) -> None:
    paused = meta.http.get(LIST, params={"status": "paused"}).json()["data"]
    assert [item["name"] for item in paused] == ["winter_sale"]
    spring = meta.http.get(LIST, params={"name": "spring_sale", "fields": "language,quality_score"}).json()["data"]
    assert {item["language"] for item in spring} == {"en", "es", "pt_BR"}
    assert spring[0].keys() == {"language", "quality_score", "id"}
    assert meta.code_of(meta.http.get(LIST, params={"after": "nonsense"})) == 100


def test_a_new_template_is_pending_then_judged_by_webhook(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(review_seconds=60.0)
    created = meta.http.post(LIST, json=plan("welcome")).json()
    assert (created["status"], created["category"]) == ("PENDING", "UTILITY")
    assert meta.code_of(meta.template(ANA, "welcome", body("Ana"))) == 132001
    meta.rest()
    assert meta.template(ANA, "welcome", body("Ana")).status_code == 200
    event = next(receiver.values("message_template_status_update"))
    assert event["event"] == "APPROVED"
    assert event["message_template_id"] == int(created["id"])


def test_a_template_is_rejected_or_found_promotional(meta: Caller, receiver: Receiver) -> None:
    meta.http.post(LIST, json=plan("please_reject"))
    promo = meta.http.post(LIST, json=plan("cheap", "Big discount for you today, come in.")).json()
    assert promo["category"] == "MARKETING"
    meta.rest()
    events = {event["message_template_name"]: event for event in receiver.values("message_template_status_update")}
    assert events["please_reject"]["event"] == "REJECTED"
    assert events["please_reject"]["reason"] == "INVALID_FORMAT"
    assert events["cheap"]["event"] == "APPROVED"


@pytest.mark.parametrize(
    ("changes", "subcode"),
    [
        ({"name": "Upper Case"}, 2388023),
        ({"name": "spring_sale"}, 2388024),
        ({"components": [{"type": "BODY", "text": "{{1}} hello", "example": {}}]}, 2388299),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}, you."}]}, 2388043),
        ({"components": [{"type": "BODY", "text": "x" * 1025}]}, 2388040),
        ({"components": [{"type": "FOOTER", "text": "x"}]}, 2388072),
        ({"category": "NONSENSE"}, None),
        ({"language": ""}, None),
    ],
)
def test_a_template_that_breaks_metas_rules_is_not_created(
    meta: Caller, changes: dict[str, Any], subcode: int | None
) -> None:
    answer = meta.http.post(LIST, json=plan("fine") | changes)
    assert meta.code_of(answer) == 100
    assert answer.json()["error"].get("error_subcode") == subcode


def test_an_edit_goes_back_to_review_and_a_deleted_template_is_gone(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(review_seconds=60.0)  # `rest` ends it at once
    listed = meta.http.get(LIST, params={"name": "opening_hours"}).json()["data"]
    node = listed[0]["id"]
    edited = plan("x", "We are open all day, every day of the week.")["components"]
    assert meta.http.post(f"/{node}", json={"components": edited}).json() == {"success": True}
    assert meta.http.get(f"/{node}", params={"fields": "status"}).json()["status"] == "PENDING"
    meta.rest()
    assert meta.http.get(f"/{node}").json()["components"] == edited
    assert meta.http.post(f"/{node}", json={"components": edited}).json()["error"]["error_subcode"] == 2388039
    assert meta.http.delete(LIST, params={"hsm_id": node, "name": "opening_hours"}).json() == {"success": True}
    assert meta.http.get(f"/{node}").status_code == 400
    assert meta.http.delete(LIST, params={"name": "spring_sale"}).json() == {"success": True}
    assert meta.code_of(meta.template(ANA)) == 132001
