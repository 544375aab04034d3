"""The export of a campaign: everybody, with what came of their message."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.campaigns.export import COLUMNS, export_rows
from models.table_files.csv_file import csv_cell
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.flow import FunnelStep
from models.tables.recipient import NotSent
from tests.support.exported import State, row_of
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import bob as make_bob
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import carol


def _cells(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row.cells, strict=True)) for row in export_rows(session, campaign.id)]


def test_the_export_has_a_row_for_every_candidate_with_its_status_and_error(
    session: Session, paused_campaign: Campaign
) -> None:
    alice = make_alice(session, name="=Alice")
    later = NOW + timedelta(minutes=2)
    read = make_recipient(
        session,
        paused_campaign,
        alice,
        state=State.ACCEPTED,
        attempts=1,
        wamid="wamid.1",
        accepted_at=NOW,
        delivered_at=NOW,
        read_at=later,
        replied_at=later,
    )
    session.add_all(
        [
            FunnelStep(recipient_id=read.id, step="paid", at=later),
            FunnelStep(recipient_id=read.id, step="asked", at=NOW),
        ]
    )
    bob = make_bob(session)
    make_recipient(
        session,
        paused_campaign,
        bob,
        state=State.NOT_SENT,
        reason=NotSent.NOT_SUBSCRIBED,
        detail="unsubscribed",
        queued_at=None,
    )
    make_recipient(
        session,
        paused_campaign,
        carol(session),
        state=State.REFUSED,
        attempts=2,
        error_code=131026,
        error_msg="Message undeliverable",
        failed_at=NOW,
    )
    row_of(session, make_campaign(session), State.QUEUED)
    rows = _cells(session, paused_campaign)
    assert rows[0] == {
        "phone": "+34600000001",
        "name": "=Alice",
        "status": "read",
        "error_code": None,
        "error_msg": None,
        "attempts": 1,
        "wamid": "wamid.1",
        "queued_at": "2026-11-22T10:00:00Z",
        "sent_at": "2026-11-22T10:00:00Z",
        "delivered_at": "2026-11-22T10:00:00Z",
        "read_at": "2026-11-22T10:02:00Z",
        "replied_at": "2026-11-22T10:02:00Z",
        "failed_at": None,
        "time_per_funnel_step": '{"asked": "2026-11-22T10:00:00Z", "paid": "2026-11-22T10:02:00Z"}',
        "type": "promotional",
        "form_reply": None,
        "buttons": None,
        "language": "en",
        "retries": 0,
        "clicked_at": None,
        "converted_at": None,
        "revenue": None,
    }
    left_out, refused = rows[1], rows[2]
    assert [left_out[key] for key in ("status", "error_code", "error_msg", "queued_at")] == [
        "not_sent",
        "not_subscribed",
        "The contact is not subscribed. (unsubscribed)",
        None,
    ]
    assert [refused[key] for key in ("status", "error_code", "error_msg")] == [
        "failed",
        131026,
        "Message undeliverable",
    ]
    assert len(rows) == 3


def test_the_export_goes_on_page_by_page_past_other_campaigns_rows(session: Session, paused_campaign: Campaign) -> None:
    other = make_campaign(session)
    ids = []
    for _ in range(5):
        row_of(session, other, State.QUEUED)
        ids.append(row_of(session, paused_campaign, State.QUEUED).id)
    found: list[int] = []
    while page := export_rows(session, paused_campaign.id, found[-1] if found else 0, limit=2):
        found += [row.id for row in page]
    assert found == ids
    assert export_rows(session, make_campaign(session).id) == []


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"phone": "+34600111222"}, "+34600111222"),
        ({"raw_phone": "600111222", "phone_problem": "missing_calling_code"}, "600111222"),
        ({"wa_id": "34600111222"}, "+34600111222"),
        ({"has_identity": True}, None),
    ],
)
def test_the_phone_is_shown_as_well_as_it_is_known(
    session: Session, paused_campaign: Campaign, values: dict[str, Any], shown: str | None
) -> None:
    contact: Contact = make_contact(session, **values)
    make_recipient(session, paused_campaign, contact)
    assert _cells(session, paused_campaign)[0]["phone"] == shown


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (3, "3"),
        ("Alice", "Alice"),
        ("+34600111222", "+34600111222"),
        ("+34600111222=1", "'+34600111222=1"),
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1", "'＝1"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(value: Any, cell: str) -> None:
    assert csv_cell(value) == cell


def test_a_delivered_row_shows_no_error_of_another_attempt_and_a_failure_without_reason_says_so(
    session: Session, paused_campaign: Campaign
) -> None:
    late: dict[str, Any] = {"error_code": 131047, "error_msg": "Too late", "failed_at": NOW, "accepted_at": NOW}
    for index, values in enumerate(
        (
            late | {"delivered_at": NOW},
            late | {"delivered_at": NOW, "read_at": NOW},
            late,
            {"accepted_at": NOW, "failed_at": NOW, "error_code": 0, "error_msg": ""},
            {"accepted_at": NOW, "failed_at": NOW},
        )
    ):
        contact = make_contact(session, f"+3460011122{index}")
        make_recipient(session, paused_campaign, contact, state=State.ACCEPTED, **values)
    shown = [
        (row["status"], row["error_code"], row["error_msg"], row["failed_at"] is not None)
        for row in _cells(session, paused_campaign)
    ]
    assert shown == [
        ("delivered", None, None, False),
        ("read", None, None, False),
        ("failed", 131047, "Too late", True),
        ("failed", None, "No reason was given.", True),
        ("failed", None, "No reason was given.", True),
    ]
