"""Facts of one message: each keeps its own earliest time, and none lowers another."""

from sqlalchemy.orm import Session

from models.events.types import Pricing
from models.stored_texts import show_stored
from tests.support.statuses import apply, at, recipient, status


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


def test_a_failure_without_a_reason_has_no_code_and_a_reason_of_the_same_time_counts_more(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "failed", 13, failure=None))
    assert (row.status, row.error_code, show_stored(row.error_msg)) == ("failed", None, "No reason was given.")
    apply(session, status(row, "failed", 13, 131026), status(row, "failed", 13, failure=None))
    assert (row.error_code, row.error_msg) == (131026, "error 131026")
    apply(session, status(row, "failed", 13, failure=None))
    assert row.error_code == 131026
