"""Events of other responders on the number, as the ingest applies them."""

from typing import Any

import pytest
from sqlalchemy import select, text

from bot.webhooks.parse import parse_payload
from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.ingest.apply import split_in_half
from jobs.ingest.batch import CHANGE_WEIGHT, entry_weight
from jobs.ingest.consumer import Consumer
from models.tables.conversation import Message
from models.tables.number import Number
from tests.support.ingest_rig import counts, recorded, seed

NAMES = (
    "standby_message",
    "standby_stop",
    "standby_echo",
    "control_taken",
    "echo_phone_app",
    "echo_edit",
    "control_passed",
)


def state(rt: Runtime) -> list[Any]:
    tables = {
        "message": "wamid, direction, body, author, route", "contact": "phone, consent",
        "conversation_control": "responder, at, role", '"case"': "status, agent, closed_at",
    }  # fmt: skip
    with rt.database.read() as session:
        return [
            sorted(map(str, session.execute(text(f"SELECT {columns} FROM {table}"))))
            for table, columns in tables.items()
        ]


def test_they_are_applied_once_and_come_to_the_same_in_any_order(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    seed(rt)
    for name in NAMES:
        stream.append(recorded(name))
    consumer.run_once()
    before = state(rt)
    assert counts(rt)["echoes"] == 3
    assert counts(rt)["control_changes"] >= 1
    for name in reversed(NAMES):
        stream.append(recorded(name))
        consumer.run_once()
    assert state(rt) == before


@pytest.mark.parametrize("is_reversed", [False, True])
def test_one_by_one_in_either_order_they_come_to_the_same(
    rt: Runtime, stream: EventStream, consumer: Consumer, is_reversed: bool
) -> None:
    seed(rt)
    for name in reversed(NAMES) if is_reversed else NAMES:
        stream.append(recorded(name))
        consumer.run_once()
    messages, contacts, [control], [case] = state(rt)
    [contact] = [each for each in contacts if "+34600000001" in each]
    assert len(messages) == 5
    assert any("written on a phone, twice" in message for message in messages)
    assert "unsubscribed" in contact
    assert "'us'" in control
    assert "phone app" in case


def test_a_number_whose_phone_app_wrote_is_one_of_the_phone_app(
    rt: Runtime, stream: EventStream, consumer: Consumer
) -> None:
    seed(rt)
    stream.append(recorded("standby_echo"))
    consumer.run_once()
    with rt.database.read() as session:
        assert session.scalars(select(Number.throughput)).all() != ["PHONE_APP"]
    stream.append(recorded("echo_phone_app"))
    consumer.run_once()
    with rt.database.read() as session:
        assert session.scalars(select(Number.throughput)).all() == ["PHONE_APP"]
        assert len(session.scalars(select(Message)).all()) == 2


def test_a_payload_of_theirs_can_be_taken_apart() -> None:
    for name in NAMES:
        parsed = parse_payload(recorded(name))
        first, second = split_in_half(parsed)
        assert (first.size, second.size) == (0, 1)
        assert (first.echoes + second.echoes, first.control + second.control) == (parsed.echoes, parsed.control)
    assert entry_weight(parse_payload(recorded("echo_phone_app"))) == CHANGE_WEIGHT
    assert entry_weight(parse_payload(recorded("control_taken"))) == CHANGE_WEIGHT
