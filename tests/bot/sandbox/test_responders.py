"""Other responders on a number: the phone app, a partner and Meta's agent."""

from typing import Any

from bot.webhooks.parse import parse_payload
from models.tables.conversation import PHONE_APP_AUTHOR, RESPONDER_AUTHOR
from tests.support.sandbox_client import Caller
from tests.support.sandbox_plans import ANA
from tests.support.sandbox_receiver import Receiver


def told(meta: Caller, path: str, **body: Any) -> dict[str, Any]:
    answer = meta.control.post(path, json={"phone": ANA} | body)
    assert answer.status_code == 200, answer.text
    meta.rest()
    found: dict[str, Any] = answer.json()
    return found


def test_the_phone_app_writes_and_its_echo_may_come_twice_and_late(meta: Caller, receiver: Receiver) -> None:
    echo = told(meta, "/echo", text="It is me", times=2, ago=3600)["echo"]
    values = list(receiver.values("smb_message_echoes"))
    assert [value["message_echoes"] for value in values] == [[echo], [echo]]
    assert (echo["to"], echo["type"], echo["text"]) == (ANA.lstrip("+"), "text", {"body": "It is me"})
    edit = {"type": "edit", "edit": {"original_message_id": echo["id"], "message": {"type": "text"}}}
    assert told(meta, "/echo", message=edit)["echo"]["edit"]["original_message_id"] == echo["id"]


def test_while_a_partner_has_a_conversation_it_comes_on_standby_and_our_service_messages_are_refused(
    meta: Caller, receiver: Receiver
) -> None:
    meta.handle.say(ANA, "Hello")
    meta.rest()
    told(meta, "/responder", owner="partner", role="escalation")
    meta.handle.say(ANA, "STOP")
    told(meta, "/echo", text="I am the other one", by="responder")
    [taken] = receiver.values("messaging_handovers")
    assert (taken["type"], taken["control_taken"]["new_owner_role"]) == ("control_taken", "escalation")
    shown = [value["standby"] for value in receiver.values("standby")]
    assert [part["messages"][0]["text"]["body"] for part in shown if "messages" in part] == ["STOP"]
    assert [part["message_echoes"][0]["text"]["body"] for part in shown if "message_echoes" in part] == [
        "I am the other one"
    ]
    assert [message["text"]["body"] for message in receiver.messages] == ["Hello"]
    assert meta.code_of(meta.text(ANA, "Hi")) == 131070
    assert meta.template(ANA).status_code == 200


def test_a_conversation_comes_back_when_it_is_passed_to_us(meta: Caller, receiver: Receiver) -> None:
    told(meta, "/responder", owner="partner", told=False)
    assert list(receiver.values("messaging_handovers")) == []
    told(meta, "/responder", owner="us", role="customer_service", summary="Wants her money back.")
    [passed] = receiver.values("messaging_handovers")
    assert passed["control_passed"]["conversation_context"]["summary"] == {"text": "Wants her money back."}
    meta.handle.say(ANA, "Are you there?")
    meta.rest()
    assert [message["text"]["body"] for message in receiver.messages] == ["Are you there?"]
    assert meta.text(ANA, "Yes").status_code == 200


def test_a_service_message_takes_the_conversation_over_from_metas_agent(meta: Caller, receiver: Receiver) -> None:
    meta.handle.say(ANA, "Hello")
    told(meta, "/responder", owner="agent")
    assert meta.text(ANA, "A human here").status_code == 200
    meta.handle.say(ANA, "At last")
    meta.rest()
    assert [message["text"]["body"] for message in receiver.messages] == ["Hello", "At last"]


def test_what_is_played_is_what_the_product_reads(meta: Caller, receiver: Receiver) -> None:
    told(meta, "/echo", text="It is me")
    told(meta, "/responder", owner="partner")
    meta.handle.say(ANA, "Hello")
    told(meta, "/echo", text="I am the other one", by="responder")
    told(meta, "/responder", owner="us", summary="Wants her money back.")
    played = [parse_payload(body) for body in receiver.bodies]
    assert [problem for parsed in played for problem in parsed.broken] == []
    assert [echo.author for parsed in played for echo in parsed.echoes] == [PHONE_APP_AUTHOR, RESPONDER_AUTHOR]
    assert [(item.is_standby, item.text) for parsed in played for item in parsed.inbound] == [(True, "Hello")]
    assert [(item.is_to_us, item.summary) for parsed in played for item in parsed.control] == [
        (False, None), (True, "Wants her money back."),
    ]  # fmt: skip


def test_what_makes_no_sense_is_said(meta: Caller) -> None:
    nonsense: list[tuple[str, dict[str, Any]]] = [
        ("/echo", {}), ("/echo", {"text": "x", "by": "nobody"}), ("/echo", {"text": "x", "times": 99}),
        ("/echo", {"text": "x", "ago": -1}), ("/responder", {"owner": "nobody"}),
        ("/responder", {"owner": "us", "phone_number_id": "7"}),
    ]  # fmt: skip
    for path, body in nonsense:
        assert meta.control.post(path, json={"phone": ANA} | body).status_code == 400
