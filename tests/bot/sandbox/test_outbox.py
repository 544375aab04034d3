"""How webhooks reach whoever subscribed, and what the ledger says afterwards."""

import time

from tests.support.sandbox_client import Caller, wamid_of
from tests.support.sandbox_plans import ANA
from tests.support.sandbox_receiver import Receiver


def test_webhooks_are_tried_again_until_they_are_answered_200(meta: Caller, receiver: Receiver) -> None:
    receiver.answers[:] = [503, 500, 404, 302]
    answer = meta.template(ANA)
    meta.rest()
    assert sorted(receiver.kinds_of(wamid_of(answer))) == ["delivered", "sent"]
    webhooks = meta.handle.stats()["webhooks"]
    assert (webhooks["not_ok"], webhooks["retries"], webhooks["pending"]) == (4, 4, 0)


def test_many_updates_travel_in_few_posts_and_none_is_lost(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(webhooks_paused=True, disorder_share=1.0, throughput_mps=10_000.0)
    wamids = [wamid_of(meta.template(f"+3460000{n:04d}")) for n in range(100)]
    while meta.handle.stats()["pending"]["scheduled"]:
        time.sleep(0.01)
    assert not receiver.bodies
    meta.handle.configure(webhooks_paused=False)
    meta.rest()
    assert len(receiver.bodies) < 100
    assert sorted(status["id"] for status in receiver.statuses) == sorted(wamids * 2)
    assert all(body.isascii() for body in receiver.bodies)


def test_the_older_payload_has_a_conversation_and_no_contacts(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(payload_version="v23", bsuids=False)
    meta.template(ANA)
    meta.rest()
    value = next(receiver.values())
    assert value["statuses"][0]["conversation"]["origin"] == {"type": "marketing"}
    assert "expiration_timestamp" in value["statuses"][0]["conversation"]
    assert "contacts" not in value
    assert "recipient_user_id" not in value["statuses"][0]


def test_the_ledger_says_who_was_messaged_twice(meta: Caller) -> None:
    for data in ("h1:x:1:1", "h1:x:1:2", "h1:x:2:1", "h1:x:2:1"):
        meta.template(ANA, biz_opaque_callback_data=data)
    stats = meta.handle.stats(with_callbacks=True)
    assert stats["duplicates"] == {"count": 2, "recipients": {"h1:x:1": 2, "h1:x:2": 2}}
    assert stats["callbacks"]["repeated"] == {"count": 1, "data": {"h1:x:2:1": 2}}
    assert stats["callbacks"]["counts"] == {"h1:x:1:1": 1, "h1:x:1:2": 1, "h1:x:2:1": 2}
    assert stats["repeated_people"]["people"] == {"34600001234|spring_sale|en": 4}


def test_the_outcomes_are_those_of_the_messages_themselves(meta: Caller, receiver: Receiver) -> None:
    shares = {
        "read_share": 0.5,
        "unreachable_share": 0.2,
        "offline_share": 0.2,
        "duplicate_share": 0.3,
        "disorder_share": 0.5,
    }
    meta.handle.configure(**shares, skip_delivered_share=0.3)
    for n in (*range(60), 9611, 9610):
        meta.template(f"+3460000{n:04d}")
    meta.rest()
    seen: dict[str, set[str]] = {}
    for status in receiver.statuses:
        seen.setdefault(status["id"], set()).add(status["status"])
    reached = [kinds for kinds in seen.values() if kinds & {"delivered", "read"}]
    assert meta.handle.stats()["outcomes"] == {
        "sent": sum("sent" in kinds for kinds in seen.values()),
        "delivered": len(reached),
        "read": sum("read" in kinds for kinds in seen.values()),
        "failed": sum("failed" in kinds and kinds not in reached for kinds in seen.values()),
    }
