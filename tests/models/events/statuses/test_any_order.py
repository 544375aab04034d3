"""Statuses in any order, number and batches give the same rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.orm import Session

from models.events.parked import park_statuses, retry_parked
from models.events.types import Callback
from models.tables.recipient import Recipient
from models.tables.webhook_event import ParkedStatus
from models.tries.rows import queue_again, tries_of
from tests.support.factories.common import NOW
from tests.support.proof import rounds
from tests.support.statuses import MINE, REGULAR, State, apply, at, recipient, status

Item = tuple[int, str, int, int, bool]
KINDS = ["sent", "delivered", "read", "failed"]
STATES = [State.ACCEPTED, State.HELD, State.UNSURE, State.SENDING, State.QUEUED, State.REFUSED]
FACTS = (
    "state", "wamid", "status", "reason", "error_code", "error_msg", "pricing_category", "pricing_type", "is_billable",
    "accepted_at", "sent_at", "delivered_at", "read_at", "failed_at", "unsure_at",
)  # fmt: skip


@st.composite
def told(draw: st.DrawFn) -> tuple[list[Item], list[list[int]]]:
    """What Meta says of six messages (row, kind, second, code, with callback data), and batches of it: shuffled, repeated."""
    item = st.tuples(
        st.integers(0, len(STATES) - 1),
        st.sampled_from(KINDS),
        st.integers(1, 4),
        st.sampled_from([131026, 131049]),
        st.booleans(),
    )
    items = draw(st.lists(item, min_size=1, max_size=12, unique=True))
    order = draw(st.permutations(range(len(items))))
    repeated = draw(st.lists(st.integers(0, len(items) - 1), max_size=6))
    sequence = [*order, *repeated]
    batches: list[list[int]] = [[]]
    for index in sequence:
        batches[-1].append(index)
        if draw(st.booleans()):
            batches.append([])
    return items, batches


def outcome(
    session: Session,
    rows: Sequence[Recipient],
    items: list[Item],
    batches: list[list[int]],
) -> list[Any]:
    """Apply in these batches inside a savepoint, read the rows, take it all back."""
    savepoint = session.begin_nested()
    made = [
        status(
            rows[place], kind, second, code if kind == "failed" else None,
            wamid=f"p{place}", pricing=REGULAR if kind in {"sent", "delivered"} else None,
        )
        for place, kind, second, code, _ in items
    ]  # fmt: skip
    made = [
        replace(one, callback=None, callback_data=None)
        if STATES[item[0]] in {State.ACCEPTED, State.HELD} and item[4]
        else one
        for one, item in zip(made, items, strict=True)
    ]
    for batch in batches:
        park_statuses(session, apply(session, *(made[index] for index in batch)).waiting, NOW)
    for _ in range(2):
        retry_parked(session, at(1), MINE)
    session.expire_all()
    found = [tuple(getattr(row, name) for name in FACTS) for row in rows]
    savepoint.rollback()
    session.expire_all()
    return found


@pytest.fixture
def six_rows(session: Session) -> list[Recipient]:
    session.execute(delete(ParkedStatus))
    return [
        recipient(session, state, wamid=f"p{place}", failed_at=at(1) if state is State.REFUSED else None, error_code=1)
        for place, state in enumerate(STATES)
    ]


@settings(max_examples=rounds(60, 1200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=told())
def test_any_order_number_and_batching_of_statuses_gives_the_same_rows(
    session: Session,
    six_rows: list[Recipient],
    told: tuple[list[Item], list[list[int]]],
) -> None:
    items, batches = told
    at_once = outcome(session, six_rows, items, [list(range(len(items)))])
    assert outcome(session, six_rows, items, batches) == at_once


TRIED = [
    (State.ACCEPTED, State.ACCEPTED), (State.SENDING, State.UNSURE), (State.QUEUED, State.ACCEPTED),
    (State.QUEUED, State.UNSURE),
]  # fmt: skip
"""State of the recipient, and of its first try, which failed or is unsure."""
OF_TRIES = (
    "attempt", "state", "wamid", "status", "error_code", "error_msg", "sent_at", "delivered_at", "read_at", "failed_at",
)  # fmt: skip
TriedItem = tuple[int, int, str, int]


@st.composite
def told_of_tries(draw: st.DrawFn) -> tuple[list[TriedItem], list[list[int]]]:
    """What Meta says of the tries of four recipients (row, attempt, kind, second), and batches of it: shuffled, repeated."""
    attempts = st.sampled_from([(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (3, 1)])
    item = st.tuples(attempts, st.sampled_from(KINDS), st.integers(1, 3)).map(lambda it: (*it[0], it[1], it[2]))
    items = draw(st.lists(item, min_size=1, max_size=10, unique=True))
    order = draw(st.permutations(range(len(items))))
    sequence = [*order, *draw(st.lists(st.integers(0, len(items) - 1), max_size=5))]
    return items, [[index] for index in sequence] if draw(st.booleans()) else [sequence[:3], sequence[3:]]


@pytest.fixture
def four_tried(session: Session) -> list[Recipient]:
    session.execute(delete(ParkedStatus))
    rows = []
    for place, (state, first) in enumerate(TRIED):
        row = recipient(session, first, wamid=f"t{place}.1")
        if first is State.ACCEPTED:
            row.failed_at, row.error_code, row.error_msg = at(2), 131049, "error 131049"
        session.flush()
        queue_again(session, [row.id], NOW)
        session.expire_all()
        if state is not State.QUEUED:
            row.state, row.attempts, row.lane_id = state, 2, 1
            row.wamid = f"t{place}.2" if state is State.ACCEPTED else None
        session.flush()
        rows.append(row)
    return rows


def outcome_of_tries(
    session: Session, rows: Sequence[Recipient], items: list[TriedItem], batches: list[list[int]]
) -> list[Any]:
    """The same as `outcome`, with the earlier tries of each row."""
    savepoint = session.begin_nested()
    made = [
        replace(
            status(rows[place], kind, second, 131049 if kind == "failed" else None, wamid=f"t{place}.{attempt}"),
            callback=Callback(MINE, rows[place].id, None, attempt),
            callback_data=f"h1:{MINE}:{rows[place].id}:{attempt}",
        )
        for place, attempt, kind, second in items
    ]
    for batch in batches:
        park_statuses(session, apply(session, *(made[index] for index in batch)).waiting, NOW)
    for _ in range(2):
        retry_parked(session, at(1), MINE)
    session.expire_all()
    tries = tries_of(session, [row.id for row in rows])
    of_rows = [tuple(getattr(row, name) for name in FACTS) for row in rows]
    of_tries = [tuple(getattr(it, name) for name in OF_TRIES) for row in rows for it in tries.get(row.id, ())]
    savepoint.rollback()
    session.expire_all()
    return [of_rows, of_tries]


@settings(max_examples=rounds(25, 800), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=told_of_tries())
@pytest.mark.sqlite_unless_proved
def test_any_order_of_what_is_said_of_several_tries_gives_the_same_rows(
    session: Session, four_tried: list[Recipient], told: tuple[list[TriedItem], list[list[int]]]
) -> None:
    items, batches = told
    at_once = outcome_of_tries(session, four_tried, items, [list(range(len(items)))])
    assert outcome_of_tries(session, four_tried, items, batches) == at_once
