"""Statuses that match nothing yet."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.events.parked import drop_expired, park_statuses, retry_parked
from models.events.types import Callback
from models.tables.webhook_event import ParkedStatus
from tests.support.factories.common import NOW
from tests.support.statuses import MINE, REGULAR, State, apply, at, recipient, status


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


def test_two_failures_of_one_moment_are_both_parked_whatever_their_order(session: Session) -> None:
    for first, second in ((131026, 131049), (131049, 131026)):
        row = recipient(session, State.QUEUED, wamid=None)
        failures = [status(row, "failed", 2, code, wamid=f"w{row.id}") for code in (first, second, second)]
        waiting = apply(session, *failures).waiting
        assert park_statuses(session, waiting, NOW) == 2
        apply(session, status(row, "sent", 1, wamid=f"w{row.id}"))
        retry_parked(session, at(1), MINE)
        session.expire_all()
        assert (row.status, row.error_code) == ("failed", 131026)
