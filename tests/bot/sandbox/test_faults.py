"""What goes wrong with some people on purpose."""

import httpx
import pytest

from tests.support.sandbox_client import Caller, template_to, wamid_of
from tests.support.sandbox_plans import ANA
from tests.support.sandbox_receiver import Receiver


def test_free_form_outside_the_window_is_accepted_and_then_fails(meta: Caller, receiver: Receiver) -> None:
    answer = meta.text(ANA, "hello")
    assert answer.status_code == 200
    meta.rest()
    assert receiver.statuses[0]["errors"][0]["code"] == 131047
    assert "pricing" not in receiver.statuses[0]


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
