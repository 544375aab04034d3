"""What a campaign came to: its statistics, its export, and what the preflight says before."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from models.campaigns.export import COLUMNS, csv_cell, export_rows
from models.campaigns.stats import campaign_stats, stats_of
from models.tables.campaign import Campaign, CampaignNotFoundError, CampaignStatus, PauseReason
from models.tables.contact import Contact
from models.tables.flow import FunnelStep
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support import factories
from tests.support.factories import NOW

State = RecipientState


@pytest.fixture
def paused_campaign(session: Session) -> Campaign:
    return factories.make_campaign(
        session, status=CampaignStatus.PAUSED, pause_reason=PauseReason.FAILURE_RATE, launched_at=NOW
    )


def _row(session: Session, campaign: Campaign, state: State, *facts: str, **values: Any) -> Recipient:
    if state in {State.ACCEPTED, State.HELD}:
        facts = ("accepted_at", *facts)
    times = {f"{fact.removesuffix('_at')}_at": NOW for fact in facts}
    recipient = factories.make_recipient(
        session, campaign, factories.make_contact(session), state=state, **(times | values)
    )
    session.refresh(recipient)
    return recipient


def _cells(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row.cells, strict=True)) for row in export_rows(session, campaign.id)]


def test_statistics_have_exactly_the_public_keys_and_add_up(session: Session, paused_campaign: Campaign) -> None:
    _row(session, paused_campaign, State.QUEUED)
    _row(session, paused_campaign, State.SENDING, lane_id=factories.make_lane(session).id)
    _row(session, paused_campaign, State.UNSURE)
    _row(session, paused_campaign, State.HELD)
    _row(session, paused_campaign, State.HELD, "sent")
    _row(session, paused_campaign, State.HELD, "failed")
    _row(session, paused_campaign, State.REFUSED, "failed")
    _row(session, paused_campaign, State.ACCEPTED)
    _row(session, paused_campaign, State.ACCEPTED, "delivered", "replied")
    _row(session, paused_campaign, State.ACCEPTED, "read")
    _row(session, paused_campaign, State.ACCEPTED, "failed")
    _row(session, paused_campaign, State.ACCEPTED, "delivered", "failed")
    _row(session, paused_campaign, State.NOT_SENT, reason=NotSent.OPEN_CASE)
    _row(session, paused_campaign, State.NOT_SENT, reason=NotSent.NOT_SUBSCRIBED)
    _row(session, paused_campaign, State.NOT_SENT, reason=NotSent.NOT_SUBSCRIBED)
    stats = campaign_stats(session, paused_campaign.id)
    assert stats == {
        "id": paused_campaign.id,
        "name": "Spring",
        "kind": "real",
        "status": "paused",
        "outcome": None,
        "pause_reason": "failure_rate",
        "candidates": 15,
        "eligible": 12,
        "not_sent": {"not_subscribed": 2, "open_case": 1},
        "queued": 1,
        "sending": 1,
        "unsure": 1,
        "held": 1,
        "refused": 1,
        "sent": 7,
        "delivered": 3,
        "read": 1,
        "failed": 3,
        "replied": 1,
        "received_pct": 42.9,
        "read_pct": 33.3,
        "replied_pct": 33.3,
    }
    assert stats["candidates"] == stats["eligible"] + sum(stats["not_sent"].values())
    on_the_way = sum(stats[key] for key in ("queued", "sending", "unsure", "held"))
    assert stats["eligible"] == on_the_way + stats["sent"] + stats["refused"]
    under_way = 2  # accepted, and nothing heard of since
    assert stats["sent"] == stats["delivered"] + stats["failed"] - stats["refused"] + under_way


def test_a_campaign_without_rows_has_zeros_and_one_that_is_not_there_is_not_found(
    session: Session, paused_campaign: Campaign
) -> None:
    stats = campaign_stats(session, paused_campaign.id)
    assert (stats["candidates"], stats["not_sent"], stats["received_pct"]) == (0, {}, 0.0)
    with pytest.raises(CampaignNotFoundError, match="campaign 99: there is no such campaign"):
        campaign_stats(session, 99)
    other = factories.make_campaign(session)
    assert list(stats_of(session, [other.id, 99, paused_campaign.id])) == [other.id, paused_campaign.id]


def test_the_export_has_a_row_for_every_candidate_with_its_status_and_error(
    session: Session, paused_campaign: Campaign
) -> None:
    alice = factories.alice(session, name="=Alice")
    later = NOW + timedelta(minutes=2)
    read = factories.make_recipient(
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
    bob = factories.bob(session)
    factories.make_recipient(
        session,
        paused_campaign,
        bob,
        state=State.NOT_SENT,
        reason=NotSent.NOT_SUBSCRIBED,
        detail="unsubscribed",
        queued_at=None,
    )
    factories.make_recipient(
        session,
        paused_campaign,
        factories.carol(session),
        state=State.REFUSED,
        attempts=2,
        error_code=131026,
        error_msg="Message undeliverable",
        failed_at=NOW,
    )
    _row(session, factories.make_campaign(session), State.QUEUED)
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
    other = factories.make_campaign(session)
    ids = []
    for _ in range(5):
        _row(session, other, State.QUEUED)
        ids.append(_row(session, paused_campaign, State.QUEUED).id)
    found: list[int] = []
    while page := export_rows(session, paused_campaign.id, found[-1] if found else 0, limit=2):
        found += [row.id for row in page]
    assert found == ids
    assert export_rows(session, factories.make_campaign(session).id) == []


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
    contact: Contact = factories.make_contact(session, **values)
    factories.make_recipient(session, paused_campaign, contact)
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


@given(st.text(max_size=20))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert cell in {text, f"'{text}"}
    assert not cell.lstrip(" ").startswith(("=", "-", "@", "\t", "\r"))
