"""People: they answer, press and hide their number."""

import json
from typing import Any

from bot.sandbox.config import Config
from bot.sandbox.server import start_in_thread
from tests.support.sandbox_client import CALM, Caller, wamid_of
from tests.support.sandbox_plans import ANA
from tests.support.sandbox_receiver import Receiver


def test_a_username_hides_the_number_everywhere(meta: Caller, receiver: Receiver) -> None:
    meta.template("+34600009618")
    inbound = meta.handle.say("+34600009618", "hello")
    meta.rest()
    assert "34600009618" not in b"".join(receiver.bodies).decode()
    answer = meta.post({"recipient": inbound.raw["from_user_id"], "type": "text", "text": {"body": "hi"}})
    assert answer.json()["contacts"] == [{"input": inbound.raw["from_user_id"], "user_id": inbound.raw["from_user_id"]}]


def test_people_answer_by_their_suffix_and_never_for_ever(meta: Caller, receiver: Receiver) -> None:
    for suffix in ("9615", "9616", "9617"):
        meta.template(f"+3460000{suffix}")
    meta.rest()
    said = {message["from"][-4:]: message for message in receiver.messages}
    assert said["9615"]["text"] == {"body": "STOP"}
    assert said["9616"]["type"] == "button"
    assert "context" not in said["9616"]
    assert said["9617"]["type"] == "text"
    meta.handle.configure(answer_share=1.0, read_share=1.0, max_replies=3)
    for _ in range(10):
        meta.text("+34600009617", "How many?")
    meta.rest()
    assert len([message for message in receiver.messages if message["from"].endswith("9617")]) == 3


def test_people_do_the_same_at_every_run_of_one_seed(receiver: Receiver) -> None:
    def run(seed: int) -> list[tuple[str, str]]:
        shares: dict[str, Any] = {"read_share": 0.6, "reply_share": 0.3, "press_share": 0.3, "offline_share": 0.2}
        handle = start_in_thread(Config(webhook_url=receiver.url, **(CALM | shares | {"seed": seed})))
        caller = Caller(handle)
        for n in range(40):
            caller.template(f"+3460000{n:04d}")
        caller.rest()
        caller.close()
        handle.stop()
        said = [(item.wa_id, json.dumps(item.raw.get(str(item.raw["type"])))) for item in handle.store.inbound.values()]
        return sorted(said + [(message.wa_id, kind) for message in handle.store.messages for kind in message.facts])

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_person_gets_another_user_id_and_meta_reports_it_without_a_sender(meta: Caller, receiver: Receiver) -> None:
    for path, said in (("/inbound", {"text": "hi"}), ("/user-id", {}), ("/inbound", {"text": "it is me"})):
        meta.control.post(path, json={"phone": ANA} | said)
        meta.rest()  # apart, since a webhook's contacts are those of all its messages
    before, changed, after = receiver.messages
    assert (changed["type"], changed["system"]["type"]) == ("system", "user_changed_user_id")
    assert changed.keys() == {"id", "timestamp", "type", "system"}
    ids = (changed["system"]["previous_user_id"], changed["system"]["user_id"])
    assert ids == (before["from_user_id"], after["from_user_id"])
    assert ids[0] != ids[1]
    [value] = [value for value in receiver.values() if changed in value["messages"]]
    assert "contacts" not in value
    by_id = [meta.post({"recipient": bsuid, "type": "text", "text": {"body": "Hello"}}) for bsuid in ids]
    assert [answer.status_code for answer in by_id] == [400, 200]


def test_a_new_user_id_opens_no_window(meta: Caller, receiver: Receiver) -> None:
    meta.control.post("/user-id", json={"phone": ANA})
    wamid = wamid_of(meta.text(ANA, "Hello"))
    meta.rest()
    assert receiver.kinds_of(wamid) == ["failed"]


def test_a_person_shares_the_number_that_was_asked_for(meta: Caller, receiver: Receiver) -> None:
    meta.control.post("/inbound", json={"phone": ANA, "share_number": True})
    meta.rest()
    [shared] = receiver.messages
    assert shared["type"] == "contacts"
    [card] = shared["contacts"]
    assert (card["origin"], card["phones"][0]["wa_id"]) == ("contact_request", ANA.removeprefix("+"))
