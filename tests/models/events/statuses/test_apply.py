"""Statuses: folded and applied so that their order, number and batches change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select
from sqlalchemy.orm import Session

from models.events.parked import drop_expired, park_statuses, retry_parked
from models.events.statuses.apply import StatusResult, apply_statuses
from models.events.types import Callback, Failure, Pricing, Status
from models.tables.contact import Contact
from models.tables.conversation import Direction, Message, MessageState
from models.tables.engagement import Engagement
from models.tables.lane import Lane
from models.tables.number import Number
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.user import Audit
from models.tables.webhook_event import ParkedStatus
from tests.support.factories import (
    NOW,
    alice,
    make_campaign,
    make_contact,
    make_conversation,
    make_number,
    make_recipient,
)

MINE = "inst"
REGULAR = Pricing("marketing", "regular", True)
State = RecipientState


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def make_lane(session: Session, number: Number) -> Lane:
    lane = Lane(number_id=number.id, host="h", pid=1, started_at=NOW, beat_at=NOW, expires_at=NOW)
    session.add(lane)
    session.flush()
    return lane


def recipient(session: Session, state: State = State.ACCEPTED, wamid: str | None = "w1", **values: Any) -> Recipient:
    """One person's row in a campaign of its own, on its first attempt."""
    campaign = make_campaign(session)
    if state in {State.SENDING, State.UNSURE}:
        values = {"lane_id": make_lane(session, campaign.number).id, "claimed_at": NOW} | values  # type: ignore[arg-type]
    if state in {State.ACCEPTED, State.HELD}:
        values = {"accepted_at": at(0.5)} | values
    if state is State.NOT_SENT:
        values = {"reason": NotSent.CAMPAIGN_ENDED} | values
    if state is State.UNSURE:
        values = {"unsure_at": at(1), "error_msg": "no answer", "detail": "no answer"} | values
    has_wamid = state in {State.ACCEPTED, State.HELD}
    made = make_recipient(
        session,
        campaign,
        make_contact(session),
        state=state,
        **({"attempts": 1, "wamid": wamid if has_wamid else None} | values),
    )
    session.expire(made)
    return made


def status(row: Recipient, kind: str, seconds: float, code: int | None = None, **values: Any) -> Status:
    given: dict[str, Any] = {
        "wamid": row.wamid or "w1",
        "status": kind,
        "at": at(seconds),
        "callback": Callback(MINE, row.id, None, 1),
        "callback_data": f"h1:{MINE}:{row.id}:1",
        "failure": Failure(code, f"error {code}") if code is not None else None,
    }
    return Status(**(given | values))


def apply(session: Session, *statuses: Status) -> StatusResult:
    session.flush()
    result = apply_statuses(session, statuses, NOW, MINE)
    session.expire_all()
    return result


def test_each_fact_keeps_its_own_earliest_time(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "read", 30), status(row, "delivered", 12), status(row, "sent", 2))
    apply(session, status(row, "sent", 3), status(row, "delivered", 11), status(row, "read", 31))
    assert (row.sent_at, row.delivered_at, row.read_at, row.status) == (at(2), at(11), at(30), "read")


def test_a_late_delivered_does_not_lower_a_read(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "read", 30))
    apply(session, status(row, "delivered", 12))
    assert (row.status, row.delivered_at) == ("read", at(12))


def test_read_without_delivered_is_read(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "read", 30))
    assert (row.status, row.delivered_at) == ("read", None)


def test_a_failure_after_delivered_keeps_the_error_and_lowers_nothing(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "delivered", 12))
    apply(session, status(row, "failed", 13, 131049))
    assert (row.status, row.failed_at, row.error_code, row.error_msg) == ("delivered", at(13), 131049, "error 131049")


def test_the_earliest_failure_is_the_one_that_is_kept(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "failed", 14, 131000))
    apply(session, status(row, "failed", 13, 131049), status(row, "failed", 13, 131026))
    assert (row.status, row.failed_at, row.error_code) == ("failed", at(13), 131026)


def test_what_it_costs_is_kept_and_the_delivery_has_the_last_word(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "sent", 2, pricing=Pricing("utility", "regular", True)))
    assert (row.pricing_category, row.is_billable) == ("utility", True)
    apply(session, status(row, "delivered", 3, pricing=Pricing("utility", "free_customer_service", False)))
    apply(session, status(row, "sent", 2, pricing=Pricing("utility", "regular", True)))
    assert (row.pricing_category, row.pricing_type, row.is_billable) == ("utility", "free_customer_service", False)


def test_a_status_settles_an_unsure_row(session: Session) -> None:
    row = recipient(session, State.UNSURE)
    apply(session, status(row, "sent", 2))
    assert (row.state, row.wamid, row.accepted_at, row.error_msg) == (State.ACCEPTED, "w1", at(2), None)
    assert (row.unsure_at, row.detail) == (at(1), "no answer")


def test_a_failure_settles_an_unsure_row_too(session: Session) -> None:
    row = recipient(session, State.UNSURE)
    apply(session, status(row, "failed", 2, 131049))
    assert (row.state, row.status, row.error_code) == (State.ACCEPTED, "failed", 131049)


def test_a_status_overtakes_the_senders_own_record(session: Session) -> None:
    row = recipient(session, State.SENDING)
    apply(session, status(row, "sent", 2))
    assert (row.state, row.wamid, row.sent_at) == (State.ACCEPTED, "w1", at(2))


def test_a_row_that_waits_to_be_tried_again_is_not_sent_again_when_it_was_accepted_after_all(session: Session) -> None:
    row = recipient(session, State.QUEUED, error_code=131000, error_msg="unknown")
    apply(session, status(row, "delivered", 2))
    assert (row.state, row.status, row.error_code) == (State.ACCEPTED, "delivered", None)


def test_a_failure_of_a_refused_attempt_does_not_stop_the_next_one(session: Session) -> None:
    row = recipient(session, State.QUEUED)
    result = apply(session, status(row, "failed", 2, 131000))
    assert (row.state, len(result.waiting)) == (State.QUEUED, 1)


@pytest.mark.parametrize("state", [State.REFUSED, State.NOT_SENT])
def test_what_was_accepted_after_all_is_counted_as_sent(session: Session, state: State) -> None:
    row = recipient(session, state, failed_at=at(1) if state is State.REFUSED else None, error_code=131000)
    apply(session, status(row, "sent", 2))
    assert (row.state, row.status, row.reason, row.error_code, row.failed_at) == (
        State.ACCEPTED,
        "sent",
        None,
        None,
        None,
    )


def test_an_older_attempt_waits_while_another_is_under_way(session: Session) -> None:
    row = recipient(session, State.SENDING, attempts=2)
    result = apply(session, status(row, "sent", 2))
    assert (row.state, len(result.waiting)) == (State.SENDING, 1)


def test_a_held_message_is_released_by_sent_and_ended_by_a_failure(session: Session) -> None:
    released, dropped, waiting = (recipient(session, State.HELD, wamid=name) for name in ("w1", "w2", "w3"))
    apply(session, status(released, "sent", 2), status(dropped, "failed", 2, 132015))
    assert [row.status for row in (released, dropped, waiting)] == ["sent", "failed", "held"]


def test_a_status_without_callback_data_is_matched_by_its_wamid(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "delivered", 2, callback=None, callback_data=None))
    assert row.status == "delivered"


def test_both_ways_of_matching_in_one_batch_reach_one_row(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "delivered", 2, callback=None), status(row, "read", 3))
    assert (row.delivered_at, row.read_at) == (at(2), at(3))


def test_another_wamid_or_number_is_not_believed(session: Session) -> None:
    row = recipient(session)
    result = apply(session, status(row, "read", 2, wamid="forged"), status(row, "read", 2, phone_number_id="999"))
    assert (row.status, result.disagreeing) == ("sent", 2)


def test_the_right_number_is_believed(session: Session) -> None:
    row = recipient(session)
    number = session.scalar(select(Number.phone_number_id))
    apply(session, status(row, "read", 2, phone_number_id=number))
    assert row.status == "read"


def test_a_status_of_another_installation_is_counted_and_ignored(session: Session) -> None:
    row = recipient(session)
    result = apply(session, status(row, "read", 2, callback=Callback("other", row.id, None, 1)))
    assert (row.status, result.foreign, result.waiting) == ("sent", 1, [])


def test_what_matches_nothing_yet_is_parked_and_applied_when_it_does(session: Session) -> None:
    row = recipient(session, State.ACCEPTED, wamid=None)
    early = status(row, "delivered", 2, callback=None, callback_data=None, wamid="late", pricing=REGULAR)
    park_statuses(session, apply(session, early).waiting, NOW)
    assert retry_parked(session, at(1), MINE).applied == 0
    row.wamid = "late"
    session.flush()
    assert retry_parked(session, at(2), MINE).applied == 1
    session.expire_all()
    assert (row.status, row.pricing_category) == ("delivered", "marketing")
    assert session.scalar(select(func.count()).select_from(ParkedStatus)) == 0


def test_a_strangers_status_is_dropped_after_ten_minutes_and_ours_after_seven_days(session: Session) -> None:
    row = recipient(session)
    stranger = status(row, "sent", 2, callback=None, callback_data="order=7", wamid="theirs")
    ours = status(row, "sent", 2, callback=Callback(MINE, 10**9, None, 1), wamid="ours")
    park_statuses(session, apply(session, stranger, stranger, ours).waiting, NOW)
    assert session.scalar(select(func.count()).select_from(ParkedStatus)) == 2
    assert drop_expired(session, at(599)) == 0
    assert drop_expired(session, at(601)) == 1
    assert drop_expired(session, NOW + timedelta(days=7)) == 1


def test_a_failure_frees_the_person_for_other_campaigns(session: Session) -> None:
    row, other = recipient(session), recipient(session, wamid="w2")
    for item in (row, other):
        session.add(
            Engagement(
                person_key=item.person_key, campaign_id=item.campaign_id, contact_id=item.contact_id, created_at=NOW
            )
        )
    apply(session, status(row, "failed", 2, 131049), status(other, "failed", 2, 131049), status(other, "delivered", 1))
    assert session.scalars(select(Engagement.person_key)).all() == [other.person_key]


def test_undeliverable_is_counted_once_per_recipient_and_forgiven_by_a_delivery(session: Session) -> None:
    person = make_contact(session)
    rows = [
        make_recipient(
            session, make_campaign(session), person, state=State.ACCEPTED, attempts=1, wamid=f"u{n}", accepted_at=NOW
        )
        for n in range(3)
    ]
    for row in rows[:2]:
        for _ in range(2):
            apply(session, status(row, "failed", 2, 131026), status(row, "failed", 2, 131026))
    assert person.undeliverable_count == 2
    apply(session, status(rows[2], "read", 9))
    assert person.undeliverable_count == 0


def test_however_many_are_undeliverable_they_are_counted_in_a_few_statements(session: Session) -> None:
    campaign, twice = make_campaign(session), make_contact(session)
    sent: dict[str, Any] = {"state": State.ACCEPTED, "attempts": 1, "accepted_at": NOW}
    rows = [make_recipient(session, campaign, make_contact(session), wamid=f"m{n}", **sent) for n in range(30)]
    rows += [make_recipient(session, make_campaign(session), twice, wamid=f"t{n}", **sent) for n in range(2)]
    session.flush()
    asked: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda _c, _cursor, text, *_: asked.append(text))
    apply(session, *(status(row, "failed", 2, 131026) for row in rows))
    assert len([text for text in asked if text.startswith("UPDATE contact")]) == 2, "for those named once, and twice"
    counts = session.scalars(select(Contact.undeliverable_count).order_by(Contact.id)).all()
    assert sorted(counts) == [1] * 30 + [2]


def test_a_marketing_stop_told_by_an_error_stops_marketing(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "failed", 2, 131050))
    assert session.get_one(type(alice(session)), row.contact_id).marketing_stopped_at == at(2)
    line = session.scalars(select(Audit)).one()
    assert (line.actor, line.action, line.object_id) == ("meta", "marketing stop", str(row.contact_id))
    assert line.detail == {"code": 131050, "said_at": at(2).isoformat()}


def chat_message(session: Session, state: MessageState, **values: Any) -> Message:
    number = make_number(session)
    conversation = make_conversation(session, make_contact(session), number)
    made = Message(
        conversation_id=conversation.id, direction=Direction.OUT, state=state, type="text", at=NOW, attempts=1, **values
    )
    session.add(made)
    session.flush()
    return made


def test_a_chat_message_gets_its_statuses_too(session: Session) -> None:
    unsure = chat_message(session, MessageState.UNSURE)
    accepted = chat_message(session, MessageState.ACCEPTED, wamid="m2", accepted_at=NOW)
    told = [
        Status("m1", "sent", at(2), callback=Callback(MINE, None, unsure.id, 1)),
        Status("m2", "read", at(3)),
        Status("m2", "failed", at(4), failure=Failure(131047, "closed")),
    ]
    assert apply(session, *told).applied == 3
    assert (unsure.state, unsure.wamid, unsure.sent_at) == (MessageState.ACCEPTED, "m1", at(2))
    assert (accepted.read_at, accepted.failed_at, accepted.error_code) == (at(3), at(4), 131047)


def test_an_inbound_message_takes_no_status(session: Session) -> None:
    number = make_number(session)
    conversation = make_conversation(session, make_contact(session), number)
    inbound = Message(
        conversation_id=conversation.id,
        direction=Direction.IN,
        state=MessageState.RECEIVED,
        type="text",
        at=NOW,
        wamid="in",
    )
    session.add(inbound)
    assert len(apply(session, Status("in", "read", at(3))).waiting) == 1
    assert inbound.state is MessageState.RECEIVED


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=told())
def test_any_order_number_and_batching_of_statuses_gives_the_same_rows(
    session: Session,
    six_rows: list[Recipient],
    told: tuple[list[Item], list[list[int]]],
) -> None:
    items, batches = told
    at_once = outcome(session, six_rows, items, [list(range(len(items)))])
    assert outcome(session, six_rows, items, batches) == at_once
