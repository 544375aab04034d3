"""Batches that cannot be applied as a whole: what is broken blocks nothing, and an outage blames no payload."""

import json
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.ingest import apply as apply_events
from jobs.ingest.batch import MAX_WEIGHT, OUTAGE_TRIES
from jobs.ingest.consumer import Consumer
from models.events.statuses.apply import apply_statuses
from tests.support.dead_letters import letters
from tests.support.ingest_rig import poison, seed, status_body, tally


@pytest.mark.parametrize("raw", [b"no JSON", b"\xff\x00", b"[]"])
def test_what_is_no_webhook_becomes_a_dead_letter_and_blocks_nothing(
    rt: Runtime, stream: EventStream, consumer: Consumer, raw: bytes
) -> None:
    [key] = seed(rt)
    for body in (raw, status_body(rt, (key, "w0", "read")), raw):
        stream.append(body)
    consumer.run_once()
    assert (tally(rt), stream.backlog().events) == ({"read": 1}, 0)
    [letter] = letters(rt)
    assert (letter.times, letter.error.split(":")[0]) == (2, "BadEventError")


def test_one_broken_item_of_a_payload_leaves_the_others_applied(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    [key] = seed(rt)
    body = json.loads(status_body(rt, (key, "w0", "read"), (key, "w0", "sent")))
    body["entry"][0]["changes"][0]["value"]["statuses"][1]["timestamp"] = "the secret word"
    stream.append(json.dumps(body).encode())
    consumer.run_once()
    assert tally(rt) == {"read": 1}
    [letter] = letters(rt)
    assert letter.error == "BadEventError: entry[0].changes[0].statuses[1]: its time is no Unix time"


def test_a_payload_that_the_database_itself_cannot_take_is_told_from_an_outage(
    rt: Runtime, stream: EventStream, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = seed(rt, 2)
    poison(monkeypatch, "w0", OperationalError("UPDATE", {}, Exception("too big")))
    stream.append(status_body(rt, (keys[0], "w0", "read")))
    stream.append(status_body(rt, (keys[1], "w1", "read")))
    consumer.run_once()
    assert (tally(rt), len(letters(rt))) == ({"sent": 1, "read": 1}, 1)


def test_a_large_payload_is_applied_in_several_transactions(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    keys = seed(rt, 50)
    items = [(key, f"w{place}", kind) for kind in ("sent", "delivered", "read") for place, key in enumerate(keys)]
    stream.append(status_body(rt, *(items * (1 + MAX_WEIGHT // len(items)))))
    consumer.run_once()
    assert (tally(rt), stream.backlog().events) == ({"read": 50}, 0)


@pytest.mark.parametrize("code", ["40P01", "40001"])
def test_a_deadlock_is_repeated_however_often_and_blames_no_payload(
    rt: Runtime, stream: EventStream, consumer: Consumer, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    [key] = seed(rt)
    lost = Exception("deadlock detected")
    lost.sqlstate = code  # type: ignore[attr-defined]
    tries = iter(range(100))

    def loses(*given: Any) -> Any:
        if next(tries) < OUTAGE_TRIES + 4:
            raise OperationalError("UPDATE", {}, lost)
        return apply_statuses(*given)

    monkeypatch.setattr(apply_events, "apply_statuses", loses)
    stream.append(status_body(rt, (key, "w0", "read")))
    consumer.run_once()
    assert (tally(rt), letters(rt), next(tries)) == ({"read": 1}, [], OUTAGE_TRIES + 5)
