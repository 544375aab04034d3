"""Pausing has one home: whoever pauses, the same columns are written and the same line stands in the audit."""

import ast
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.pause import pause_campaign, pause_campaigns, stop_numbers
from models.stored_texts import EVENTS_UNREAD, META_SAYS, show_stored
from models.tables.audit import META, MONITOR, SENDER, Audit, AuditAction
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.number import Number
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.paths import ROOT


@pytest.fixture
def running_campaign(session: Session) -> Campaign:
    return make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW)


def _lines(session: Session) -> list[tuple[str, str, str, dict[str, object]]]:
    query = select(Audit.actor, Audit.action, Audit.object_id, Audit.detail).order_by(Audit.id)
    return [(row.actor, row.action, row.object_id, row.detail) for row in session.execute(query)]


def test_a_pause_writes_its_reason_its_detail_its_time_and_a_line_in_the_audit(
    session: Session, running_campaign: Campaign
) -> None:
    lifts_at = NOW + timedelta(hours=1)
    assert pause_campaign(
        session,
        running_campaign.id,
        PauseReason.LIMIT_REACHED,
        META_SAYS(said="Enough."),
        NOW,
        SENDER,
        resumes_at=lifts_at,
    )
    session.refresh(running_campaign)
    assert (running_campaign.status, running_campaign.pause_reason) == ("paused", "limit_reached")
    assert running_campaign.pause_detail == '{"key":"pause.meta_says","said":"Enough."}'
    assert show_stored(running_campaign.pause_detail) == "Enough."
    assert (running_campaign.paused_at, running_campaign.resumes_at) == (NOW, lifts_at)
    assert _lines(session) == [
        (
            "sender",
            AuditAction.PAUSE,
            str(running_campaign.id),
            {"reason": "limit_reached", "detail": running_campaign.pause_detail},
        )
    ]


def test_a_pause_by_hand_needs_no_detail(session: Session, running_campaign: Campaign) -> None:
    assert pause_campaign(session, running_campaign.id, PauseReason.OPERATOR, None, NOW, "ana@example.com")
    assert _lines(session) == [("ana@example.com", AuditAction.PAUSE, str(running_campaign.id), {"reason": "operator"})]


def test_who_comes_second_pauses_nothing_and_leaves_no_line(session: Session, running_campaign: Campaign) -> None:
    assert pause_campaign(session, running_campaign.id, PauseReason.BUDGET, META_SAYS(said="No money."), NOW, "budget")
    assert not pause_campaign(session, running_campaign.id, PauseReason.INGEST_LAG, EVENTS_UNREAD(), NOW, MONITOR)
    assert (
        pause_campaigns(
            session, Campaign.id == running_campaign.id, PauseReason.INGEST_LAG, EVENTS_UNREAD(), NOW, MONITOR
        )
        == []
    )
    session.refresh(running_campaign)
    assert running_campaign.pause_reason is PauseReason.BUDGET
    assert len(_lines(session)) == 1


def test_no_other_module_takes_the_transition_to_paused() -> None:
    verbs = {
        path.relative_to(ROOT).as_posix()
        for floor in ("models", "bot", "jobs", "admin")
        for path in (ROOT / floor).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in {"transition", "try_transition"}
        and any(isinstance(argument, ast.Constant) and argument.value == "pause" for argument in node.args)
    }
    assert verbs == {"models/campaigns/pause.py"}


def test_a_stopped_number_is_stopped_once_with_one_line_and_its_campaigns_pause(
    session: Session, running_campaign: Campaign
) -> None:
    other = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW)
    number_id = running_campaign.number_id
    assert number_id is not None
    assert number_id != other.number_id
    expired = META_SAYS(said="190: expired")
    stopped = stop_numbers(session, [number_id], PauseReason.TOKEN_REFUSED, expired, NOW, SENDER)
    assert stopped == ([number_id], [running_campaign.id])
    assert stop_numbers(session, [number_id], PauseReason.NUMBER_RESTRICTED, META_SAYS(said="later"), NOW, META) == (
        [],
        [],
    )
    about = {"reason": "token_refused", "detail": expired.stored()}
    assert _lines(session) == [
        ("sender", AuditAction.STOP, str(number_id), about),
        ("sender", AuditAction.PAUSE, str(running_campaign.id), about),
    ]
    session.expire_all()
    number = session.get_one(Number, number_id)
    assert (number.stopped_at, number.stopped_reason) == (NOW, expired.stored())
    assert other.status is CampaignStatus.ACTIVE
