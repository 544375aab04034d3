"""The simulated Meta over real HTTP: what it takes, what it refuses, what it says by webhook."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bot.sandbox.config import Config, ConfigError
from bot.sandbox.phone import canonical
from bot.sandbox.seed import PHONE_NUMBER_ID, SECOND_PHONE_NUMBER_ID, WABA_ID
from bot.sandbox.server import start_in_thread
from tests.support.sandbox_client import CALM, TOKEN, Caller, body, named, template_to, wamid_of
from tests.support.sandbox_receiver import Receiver, receiving

ANA = "+34600001234"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def meta(receiver: Receiver) -> Iterator[Caller]:
    handle = start_in_thread(Config(webhook_url=receiver.url, **CALM))
    caller = Caller(handle)
    yield caller
    caller.close()
    handle.stop()


def test_a_template_is_accepted_and_its_statuses_come_back_signed(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(read_share=1.0)
    answer = meta.template(ANA, biz_opaque_callback_data="h1:x:1:1")
    assert answer.status_code == 200
    assert answer.json()["contacts"] == [{"input": ANA, "wa_id": "34600001234"}]
    assert answer.json()["messages"][0]["message_status"] == "accepted"
    meta.rest()
    assert receiver.kinds_of(wamid_of(answer)) == ["sent", "delivered", "read"]
    assert {status["biz_opaque_callback_data"] for status in receiver.statuses} == {"h1:x:1:1"}
    assert receiver.statuses[0]["pricing"]["category"] == "marketing"
    assert receiver.all_signed_with("sandbox-app-secret")


@pytest.mark.parametrize(
    ("number", "wa_id"),
    [
        ("553187654321", "553187654321"),
        ("5531987654321", "553187654321"),
        ("5511987654321", "5511987654321"),
        ("525512345678", "5215512345678"),
        ("541123456789", "5491123456789"),
        ("54111523456789", "5491123456789"),
        ("34600001234", "34600001234"),
    ],
)
def test_brazil_mexico_and_argentina_have_a_canonical_id_of_their_own(number: str, wa_id: str) -> None:
    assert canonical(number) == wa_id


def test_a_missing_or_wrong_token_is_refused(meta: Caller) -> None:
    path = f"/{PHONE_NUMBER_ID}/messages"
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        answer = meta.http.post(path, json=template_to(ANA, "spring_sale"), headers=headers)
        assert (answer.status_code, meta.code_of(answer)) == (401, 190)
    assert meta.handle.stats()["refused"] == {"total": 2, "190": 2}


@pytest.mark.parametrize(
    ("parts", "name", "language", "code"),
    [
        ((body("Ana"),), "spring_sale", "en", 132000),
        ((body("Ana", "20%", "more"),), "spring_sale", "en", 132000),
        ((), "unheard_of", "en", 132001),
        ((body("Ana", "20%"),), "spring_sale", "en_US", 132001),
        ((body("Ana"),), "summer_sale", "en", 132001),
        ((body("Ana"),), "lottery_win", "en", 132001),
        ((body("Ana"),), "winter_sale", "en", 132015),
        ((body("Ana", "a\nb"),), "spring_sale", "en", 132018),
        ((body("Ana", "a\tb"),), "spring_sale", "en", 132018),
        ((body("Ana", "a     b"),), "spring_sale", "en", 132018),
        ((body("Ana", ""),), "spring_sale", "en", 132018),
        ((body("Ana", "x" * 1024),), "spring_sale", "en", 132005),
        ((body("Ana"),), "new_collection", "en", 132012),
        ((named("body", first_name="Ana", arrival_date="today"),), "order_update", "en", 132000),
        ((named("header", order_number="1"), named("body", first_name="A", wrong="b")), "order_update", "en", 132000),
        ((body("Ana"),), "cart_reminder", "en", 131008),
        ((body("Ana"),), "coupon_gift", "en", 131008),
        (({"type": "nonsense"},), "opening_hours", "en", 100),
    ],
)
def test_a_template_that_does_not_fit_is_refused_with_metas_code(
    meta: Caller, parts: tuple[dict[str, Any], ...], name: str, language: str, code: int
) -> None:
    answer = meta.template(ANA, name, *parts, language=language)
    assert meta.code_of(answer) == code
    assert not meta.handle.store.messages


def test_templates_with_media_names_links_and_coupons_are_accepted_when_they_fit(meta: Caller) -> None:
    image = {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://shop.example/a.jpg"}}]}
    link = {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "a1b2"}]}
    coupon = {
        "type": "button",
        "sub_type": "copy_code",
        "index": 0,
        "parameters": [{"type": "coupon_code", "coupon_code": "X"}],
    }
    order = (named("header", order_number="1"), named("body", arrival_date="today", first_name="Ana"))
    for name, parts in {
        "new_collection": (image, body("Ana")),
        "cart_reminder": (body("Ana"), link),
        "coupon_gift": (body("Ana"), coupon),
        "order_update": order,
        "opening_hours": (),
    }.items():
        answer = meta.template(ANA, name, *parts)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "text", "text": {"body": "x" * 4097}}, 100),
        ({"type": "text", "text": {}}, 131008),
        ({"type": "image", "image": {"id": "123"}}, 100),
        ({"type": "image", "image": {"id": "1", "link": "https://a.example"}}, 131008),
        ({"type": "telegram", "telegram": {}}, 100),
        (
            {
                "type": "interactive",
                "interactive": {"type": "button", "body": {"text": "b"}, "action": {"buttons": []}},
            },
            131009,
        ),
        ({"to": "12", "type": "text", "text": {"body": "x"}}, 131009),
        ({"to": "+15550100001", "type": "text", "text": {"body": "x"}}, 131021),
        ({"type": "text", "text": {"body": "x"}, "biz_opaque_callback_data": "x" * 513}, 100),
        ({"recipient_type": "group", "type": "text", "text": {"body": "x"}}, 100),
    ],
)
def test_free_form_messages_past_metas_limits_are_refused(meta: Caller, message: dict[str, Any], code: int) -> None:
    assert meta.code_of(meta.post({"to": ANA, **message})) == code


def interactive(kind: str, action: dict[str, Any]) -> dict[str, Any]:
    return {
        "to": ANA,
        "type": "interactive",
        "interactive": {"type": kind, "body": {"text": "Which one"}, "action": action},
    }


def test_a_person_taps_buttons_and_rows_and_opens_the_window_by_it(meta: Caller, receiver: Receiver) -> None:
    campaign = meta.template(ANA)
    meta.handle.say(ANA, choice=0, wamid=wamid_of(campaign))
    replies = [{"type": "reply", "reply": {"id": "flow:yes", "title": "Yes"}}]
    buttons = meta.post(interactive("button", {"buttons": replies}))
    meta.handle.say(ANA, choice=0, wamid=wamid_of(buttons))
    rows = meta.post(interactive("list", {"button": "Open", "sections": [{"rows": [{"id": "r1", "title": "Madrid"}]}]}))
    meta.handle.say(ANA, choice=0, wamid=wamid_of(rows))
    meta.rest()
    tapped, replied, picked = receiver.messages
    assert tapped["button"] == {"payload": "Tell me more", "text": "Tell me more"}
    assert tapped["context"] == {"from": "15550100001", "id": wamid_of(campaign)}
    assert replied["interactive"] == {"type": "button_reply", "button_reply": {"id": "flow:yes", "title": "Yes"}}
    assert picked["interactive"]["list_reply"]["id"] == "r1"
    assert receiver.kinds_of(wamid_of(buttons)) == ["sent", "delivered"]


def test_free_form_outside_the_window_is_accepted_and_then_fails(meta: Caller, receiver: Receiver) -> None:
    answer = meta.text(ANA, "hello")
    assert answer.status_code == 200
    meta.rest()
    assert receiver.statuses[0]["errors"][0]["code"] == 131047
    assert "pricing" not in receiver.statuses[0]


def test_mark_as_read_needs_a_message_that_came(meta: Caller) -> None:
    inbound = meta.handle.say(ANA, "hello")
    assert meta.post({"status": "read", "message_id": inbound.wamid}).json() == {"success": True}
    assert inbound.read
    assert meta.code_of(meta.post({"status": "read", "message_id": "wamid.other"})) == 100


def test_the_throughput_of_a_number_is_kept(meta: Caller) -> None:
    meta.handle.configure(throughput_mps=2)
    codes = [meta.template(f"+3460000{n:04d}").status_code for n in range(20)]
    assert 2 <= codes.count(200) < 20
    assert meta.handle.stats()["refused"]["130429"] == codes.count(400)
    assert meta.post(template_to(ANA, "spring_sale"), SECOND_PHONE_NUMBER_ID).status_code == 200


def test_the_46th_message_in_a_row_to_one_person_breaks_the_pair_rule(meta: Caller) -> None:
    answers = [meta.template(ANA) for _ in range(46)]
    assert [answer.status_code for answer in answers[:45]] == [200] * 45
    assert meta.code_of(answers[45]) == 131056


def test_the_tier_counts_people_outside_windows_once(meta: Caller) -> None:
    meta.handle.configure(tier_limit=2)
    meta.handle.say("+34600000009", "hello")
    assert [meta.template(to).status_code for to in (ANA, ANA, "+34600000002", "+34600000009")] == [200] * 4
    assert meta.code_of(meta.template("+34600000003")) == 131048


def test_held_messages_are_released_or_dropped(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(hold_after=1, hold_seconds=-1.0)
    free, held = meta.template(ANA), meta.template("+34600000002")
    assert held.json()["messages"][0]["message_status"] == "held_for_quality_assessment"
    assert free.json()["messages"][0]["message_status"] == "accepted"
    meta.rest()
    assert meta.handle.stats()["held"] == 1
    assert meta.control.post("/held", json={"verdict": "drop"}).json() == {"settled": 1}
    meta.rest()
    assert [s["errors"][0]["code"] for s in receiver.statuses if s["status"] == "failed"] == [132015]


def test_marketing_messages_take_marketing_templates_only(meta: Caller, receiver: Receiver) -> None:
    assert meta.post(template_to(ANA, "spring_sale"), endpoint="marketing_messages").status_code == 200
    assert meta.code_of(meta.post(template_to(ANA, "opening_hours"), endpoint="marketing_messages")) == 131055
    meta.rest()
    assert receiver.statuses[0]["pricing"]["category"] == "marketing_lite"


@pytest.mark.parametrize(
    ("suffix", "code"), [("9026", 131026), ("9047", 131047), ("9049", 131049), ("9050", 131050), ("9472", 130472)]
)
def test_some_suffixes_fail_by_webhook(meta: Caller, receiver: Receiver, suffix: str, code: int) -> None:
    assert meta.template(f"+3460000{suffix}").status_code == 200
    meta.rest()
    assert [status["errors"][0]["code"] for status in receiver.statuses] == [code]


def test_some_suffixes_are_refused_at_once_and_some_only_once(meta: Caller) -> None:
    always, once = "+34600009500", "+34600009056"
    answers = [meta.template(always), meta.template(always), meta.template(once), meta.template(once)]
    assert [answer.status_code for answer in answers] == [500, 500, 400, 200]
    assert meta.code_of(answers[0]) == 131000
    assert [message.to for message in meta.handle.store.messages] == [once]


@pytest.mark.parametrize(
    ("suffix", "kept", "seen"),
    [
        ("9600", True, httpx.ReadTimeout),
        ("9601", True, httpx.RemoteProtocolError),
        ("9602", True, httpx.RemoteProtocolError),
        ("9603", False, 502),
        ("9604", True, 502),
        ("9605", True, 200),
        ("9612", False, httpx.ReadError),
        ("9619", True, 200),
        ("9620", False, httpx.ReadTimeout),
    ],
)
def test_lost_answers_leave_the_truth_in_the_ledger(
    meta: Caller, receiver: Receiver, suffix: str, kept: bool, seen: int | type[Exception]
) -> None:
    meta.http.timeout = httpx.Timeout(0.3 if seen is httpx.ReadTimeout else 30)
    message = template_to(f"+3460000{suffix}", "spring_sale", biz_opaque_callback_data="h1:x:7:1")
    if isinstance(seen, int):
        assert meta.post(message).status_code == seen
    else:
        with pytest.raises(seen):
            meta.post(message)
    assert len(meta.handle.store.messages) == int(kept)
    meta.rest()
    assert [status["status"] for status in receiver.statuses] == (["sent", "delivered"] if kept else [])


def test_a_status_can_arrive_before_the_answer(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(sent_seconds=1000.0, delivered_seconds=1000.0)
    answer = meta.template("+34600009608")
    assert receiver.kinds_of(wamid_of(answer)) == ["sent"]


@pytest.mark.parametrize(
    ("suffix", "kinds"),
    [
        ("9609", ["sent"]),
        ("9610", ["sent", "read"]),
        ("9611", ["sent", "delivered", "failed"]),
        ("9614", ["delivered", "delivered", "sent", "sent"]),
    ],
)
def test_some_suffixes_have_odd_statuses(meta: Caller, receiver: Receiver, suffix: str, kinds: list[str]) -> None:
    answer = meta.template(f"+3460000{suffix}")
    meta.rest()
    found = receiver.kinds_of(wamid_of(answer))
    assert (sorted(found) if suffix == "9614" else found) == kinds


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


def test_webhooks_are_tried_again_until_they_are_answered_200(meta: Caller, receiver: Receiver) -> None:
    receiver.answers[:] = [503, 500, 404, 302]
    answer = meta.template(ANA)
    meta.rest()
    assert sorted(receiver.kinds_of(wamid_of(answer))) == ["delivered", "sent"]
    webhooks = meta.handle.stats()["webhooks"]
    assert (webhooks["not_ok"], webhooks["retries"], webhooks["pending"]) == (4, 4, 0)


def test_many_updates_travel_in_few_posts_and_none_is_lost(meta: Caller, receiver: Receiver) -> None:
    meta.handle.configure(webhooks_paused=True, disorder_share=1.0)
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


def test_numbers_and_their_account_can_be_asked(meta: Caller) -> None:
    fields = "status,quality_rating,throughput,whatsapp_business_manager_messaging_limit"
    answer = meta.http.get(f"/{PHONE_NUMBER_ID}", params={"fields": fields})
    assert answer.json() == {
        "status": "CONNECTED",
        "quality_rating": "GREEN",
        "throughput": {"level": "STANDARD"},
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
        "id": PHONE_NUMBER_ID,
    }
    listed = meta.http.get(f"/{WABA_ID}/phone_numbers").json()["data"]
    assert [number["id"] for number in listed] == [PHONE_NUMBER_ID, SECOND_PHONE_NUMBER_ID]
    missing = meta.http.get("/12345")
    assert (meta.code_of(missing), missing.json()["error"]["error_subcode"]) == (100, 33)


def test_the_sandbox_goes_nowhere_but_loopback() -> None:
    for url in (
        "https://example.com/hook",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "ftp://127.0.0.1/",
        "nonsense",
    ):
        with pytest.raises(ConfigError, match="loopback"):
            Config(webhook_url=url)


def test_another_host_name_or_another_pages_script_is_turned_away(meta: Caller) -> None:
    assert httpx.get(meta.handle.url + "/_sandbox/stats", headers={"Host": "evil.example"}).status_code == 403
    answer = httpx.post(meta.handle.url + "/_sandbox/reset", headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_the_program_prints_where_it_listens_and_stops_on_a_signal() -> None:
    command = [sys.executable, "-m", "bot.sandbox", "--port", "0", "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        url = line.removeprefix("sandbox listening on ")
        assert httpx.get(f"{url}/{PHONE_NUMBER_ID}", headers=TOKEN).status_code == 200
        assert httpx.get(f"{url}/_sandbox/config").json()["seed"] == 7
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_a_wrong_option_or_a_taken_port_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments in (["--webhook-url", "https://example.com"], ["--read-share", "2"], ["--port", port]):
            ended = subprocess.run(
                [sys.executable, "-m", "bot.sandbox", *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert ended.returncode == 1
            assert ended.stderr.count("\n") == 1
            assert ended.stderr.startswith("sandbox: ")
