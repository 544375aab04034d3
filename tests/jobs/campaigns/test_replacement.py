"""A template that Meta stopped is replaced by another that fits: Meta is asked first, and nobody gets two."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from jobs.campaigns.cohorts import (
    list_replacements,
    replace_and_resume,
)
from jobs.campaigns.lifecycle import pause_campaign, resume_campaign
from models.clock import utcnow
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import CampaignStatus, PauseReason
from models.tables.number import Number
from models.tables.recipient import Recipient
from models.tables.template import Template
from tests.support.cli_app import ANA, Shell
from tests.support.sent_languages import SEVERAL, add_at_meta, at_meta, cohorts, got, read_again, row, send, started

pytestmark = pytest.mark.usefixtures("number_and_people_added", "lanes_end_soon")


def test_a_campaign_goes_on_with_a_replacement_and_who_has_the_message_gets_no_second(shell: Shell) -> None:
    campaign_id = started(shell, pace={"per_second": 1})
    with shell.rt.database.write() as session:  # one has it already
        rows = session.scalars(select(Recipient.id).where(Recipient.state == "queued").order_by(Recipient.id)).all()
        session.execute(update(Recipient).where(Recipient.id == rows[1]).values(due_at=utcnow() + timedelta(hours=1)))
    assert send(shell) == 1
    at_meta(shell, "en").status = "DISABLED"
    read_again(shell)
    assert row(shell, campaign_id).pause_reason is PauseReason.TEMPLATE_DISABLED
    assert list_replacements(shell.rt, campaign_id, None) == []
    add_at_meta(shell, "spring_2", at_meta(shell, "en"))
    with shell.rt.database.write() as session:
        session.execute(update(Recipient).where(Recipient.id == rows[1]).values(due_at=utcnow()))
    read_again(shell)
    assert shell.data("campaigns", "replacements", str(campaign_id), "--json") == [
        {"name": "spring_2", "language": "en", "category": "MARKETING", "quality": "UNKNOWN"}
    ]
    said = shell.ok("campaigns", "replace", str(campaign_id), "spring_2")
    assert said == f"campaign {campaign_id} goes on with spring_2\n"
    campaign = row(shell, campaign_id)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.ACTIVE, None)
    assert send(shell) == 1
    assert got(shell) == [("spring_2", "en"), ("spring_sale", "en")]
    assert shell.meta.stats()["duplicates"]["count"] == 0
    with shell.rt.database.read() as session:
        entry = session.scalars(select(Audit).where(Audit.action == AuditAction.REPLACE_TEMPLATE)).one()
        assert entry.detail == {"language": "en", "before": "spring_sale", "after": "spring_2"}
        assert session.get_one(Template, campaign.template_id).name == "spring_2"
        values = session.scalars(select(Recipient.source_values).where(Recipient.id.in_(rows))).all()
        assert {(value or {})["body"]["2"] for value in values} == {"20%"}, "the frozen values stay"


def test_one_language_goes_on_with_a_replacement_and_the_others_never_stopped(shell: Shell) -> None:
    campaign_id = started(shell, template=SEVERAL)
    at_meta(shell, "es").category = "UTILITY"
    read_again(shell)
    add_at_meta(shell, "spring_2", at_meta(shell, "es"), category="MARKETING")
    read_again(shell)
    assert [it.name for it in list_replacements(shell.rt, campaign_id, "es")] == ["spring_2"]
    replace_and_resume(shell.rt, campaign_id, None, "spring_2", utcnow(), ANA)
    assert cohorts(shell, campaign_id)["es"].edition == 1
    assert cohorts(shell, campaign_id)["es"].paused_at is None
    assert send(shell) == 2
    assert got(shell) == [("spring_2", "es"), ("spring_sale", "en")]
    pause_campaign(shell.rt, campaign_id, utcnow(), ANA)
    resume_campaign(shell.rt, campaign_id, utcnow(), ANA)  # the preflight checks what is sent now


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"category": "UTILITY"}, "its category is utility, and the campaign's is marketing"),
        ({"status": "PENDING"}, "is PENDING at Meta"),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}!"}]}, "its variables or its header are others"),
        (
            {"components": [{"type": "BODY", "text": "Hi {{1}}, {{2}}"}]},
            "its header or its buttons are of another kind",
        ),
        ({"language": "es"}, "there is no such template for this number; these fit: none"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(shell: Shell, changes: dict[str, Any], line: str) -> None:
    campaign_id = started(shell)
    at_meta(shell, "en").status = "PAUSED"
    read_again(shell)
    add_at_meta(shell, "spring_2", at_meta(shell, "en"), **changes)
    said = shell.refused("campaigns", "replace", str(campaign_id), "spring_2")
    assert line in said
    campaign = row(shell, campaign_id)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.TEMPLATE_PAUSED)
    assert cohorts(shell, campaign_id)["en"].edition == 0


def test_only_what_meta_stopped_can_be_replaced(shell: Shell) -> None:
    campaign_id = started(shell)
    add_at_meta(shell, "spring_2", at_meta(shell, "en"))
    pause_campaign(shell.rt, campaign_id, utcnow(), ANA)
    assert "no template of it was paused or changed" in shell.refused(
        "campaigns", "replace", str(campaign_id), "spring_2"
    )


def test_one_that_cannot_go_on_all_the_same_says_so_and_stays_paused(shell: Shell) -> None:
    campaign_id = started(shell)
    at_meta(shell, "en").status = "PAUSED"
    read_again(shell)
    add_at_meta(shell, "spring_2", at_meta(shell, "en"), status="APPROVED")
    with shell.rt.database.write() as session:
        session.execute(update(Number).values(stopped_at=utcnow(), stopped_reason="by hand"))
    said = shell.refused("campaigns", "replace", str(campaign_id), "spring_2")
    assert "its template is spring_2 now, and it stays paused" in said
    assert row(shell, campaign_id).status is CampaignStatus.PAUSED
    with shell.rt.database.read() as session:
        assert session.scalar(select(func.count()).where(Audit.action == AuditAction.REPLACE_TEMPLATE)) == 1


def test_a_list_of_one_language_is_paused_and_replaced_as_a_campaign_of_one(shell: Shell) -> None:
    campaign_id = started(shell, template={"name": "spring_sale", "languages": ["en"], "fallback": "en"})
    at_meta(shell, "en").status = "DISABLED"
    read_again(shell)
    assert row(shell, campaign_id).pause_reason is PauseReason.TEMPLATE_DISABLED
    add_at_meta(shell, "spring_2", at_meta(shell, "en"))
    replace_and_resume(shell.rt, campaign_id, None, "spring_2", utcnow(), ANA)
    assert send(shell) == 2
    assert {name for name, _ in got(shell)} == {"spring_2"}
