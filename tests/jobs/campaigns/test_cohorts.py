"""A language that Meta paused goes on once Meta approves it: by itself, or when an operator asks."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from jobs.campaigns.cohorts import (
    resume_approved_languages,
    resume_language,
    resume_language_when_over,
)
from jobs.campaigns.lifecycle import pause_campaign, resume_campaign
from jobs.core.queues import CHORES, queue
from models.campaigns.cohort_pause import pause_for_cohort
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import META_SAYS
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import CampaignStatus, PauseReason
from models.tables.cohort import Cohort
from models.tables.template import Template
from tests.support.cli_app import ANA, Shell
from tests.support.sent_languages import SEVERAL, at_meta, cohorts, got, read_again, row, send, started

pytestmark = pytest.mark.usefixtures("number_and_people_added", "lanes_end_soon")


def test_a_language_goes_on_by_itself_after_a_reading_that_says_approved(shell: Shell) -> None:
    campaign_id = started(shell, template=SEVERAL)
    at_meta(shell, "es").status = "PAUSED"
    read_again(shell)
    assert cohorts(shell, campaign_id)["es"].pause_reason is PauseReason.TEMPLATE_PAUSED
    assert row(shell, campaign_id).status is CampaignStatus.ACTIVE
    assert send(shell) == 1
    resume_approved_languages(shell.rt, utcnow())
    assert cohorts(shell, campaign_id)["es"].paused_at is not None, "Meta has not approved it"
    at_meta(shell, "es").status = "APPROVED"
    with shell.rt.database.write() as session:  # an event alone is not enough: a reading after the pause has to say so
        spanish = session.get_one(Template, cohorts(shell, campaign_id)["es"].template_id)
        spanish.status, spanish.synced_at = "APPROVED", utcnow() - timedelta(hours=1)
    resume_approved_languages(shell.rt, utcnow())
    assert cohorts(shell, campaign_id)["es"].paused_at is not None
    read_again(shell)
    resume_approved_languages(shell.rt, utcnow())
    resume_approved_languages(shell.rt, utcnow())
    assert cohorts(shell, campaign_id)["es"].paused_at is None
    assert send(shell) == 1
    assert got(shell) == [("spring_sale", "en"), ("spring_sale", "es")]
    with shell.rt.database.read() as session:
        is_of_cohort = Audit.object_type == "cohort"
        actions = session.scalars(select(Audit.action).where(is_of_cohort).order_by(Audit.id)).all()
    assert actions == [AuditAction.PAUSE, AuditAction.RESUME]


@pytest.mark.parametrize("change", [{"status": "DISABLED"}, {"category": "UTILITY"}, {"quality": "RED"}])
def test_what_needs_an_operator_does_not_go_on_by_itself(shell: Shell, change: dict[str, str]) -> None:
    campaign_id = started(shell, template=SEVERAL)
    for field, value in change.items():
        setattr(at_meta(shell, "es"), field, value)
    read_again(shell)
    read_again(shell)
    resume_approved_languages(shell.rt, utcnow())
    assert cohorts(shell, campaign_id)["es"].paused_at is not None
    assert cohorts(shell, campaign_id)["en"].paused_at is None


def test_an_operator_lets_a_language_go_on_if_meta_says_that_it_may(shell: Shell) -> None:
    campaign_id = started(shell, template=SEVERAL)
    with pytest.raises(OperatorError, match="no template of it was paused or changed"):
        resume_language(shell.rt, campaign_id, "es", utcnow(), ANA)
    at_meta(shell, "es").status = "PAUSED"
    read_again(shell)
    with pytest.raises(OperatorError, match="is PAUSED at Meta"):
        resume_language(shell.rt, campaign_id, "es", utcnow(), ANA)
    with pytest.raises(OperatorError, match="it has no language fr"):
        resume_language(shell.rt, campaign_id, "fr", utcnow(), ANA)
    at_meta(shell, "es").status = "APPROVED"
    at_meta(shell, "es").category = "UTILITY"
    with pytest.raises(OperatorError, match="is utility now, and the campaign is marketing; replace it"):
        resume_language(shell.rt, campaign_id, "es", utcnow(), ANA)
    at_meta(shell, "es").category = "MARKETING"
    assert (
        shell.ok("campaigns", "resume", str(campaign_id), "--language", "ES")
        == f"campaign {campaign_id} goes on in ES\n"
    )
    assert cohorts(shell, campaign_id)["es"].paused_at is None
    assert send(shell) == 2


def test_a_paused_campaign_goes_on_without_the_language_that_waits(shell: Shell) -> None:
    campaign_id = started(shell, template=SEVERAL)
    pause_campaign(shell.rt, campaign_id, utcnow(), ANA)
    at_meta(shell, "es").status = "PAUSED"
    resume_campaign(shell.rt, campaign_id, utcnow(), ANA)
    assert cohorts(shell, campaign_id)["es"].pause_reason is PauseReason.TEMPLATE_PAUSED
    assert send(shell) == 1
    pause_campaign(shell.rt, campaign_id, utcnow(), ANA)
    at_meta(shell, "en").status = "PAUSED"
    with pytest.raises(OperatorError, match="Every language of the campaign is paused"):
        resume_campaign(shell.rt, campaign_id, utcnow(), ANA)


def test_a_language_that_was_recategorised_meanwhile_does_not_go_on_by_itself(shell: Shell) -> None:
    campaign_id = started(shell, template=SEVERAL)
    at_meta(shell, "es").status = "PAUSED"
    read_again(shell)
    at_meta(shell, "es").status, at_meta(shell, "es").category = "APPROVED", "UTILITY"
    read_again(shell)
    resume_approved_languages(shell.rt, utcnow())
    assert cohorts(shell, campaign_id)["es"].paused_at is not None


def test_a_pause_with_an_end_is_over_then_and_meta_is_asked(shell: Shell) -> None:
    campaign_id = started(shell, template=SEVERAL)
    spanish = cohorts(shell, campaign_id)["es"]
    over = utcnow() + timedelta(minutes=10)
    with shell.rt.database.write() as session:
        detail = META_SAYS(said="It is being prepared.")
        pause_for_cohort(session, spanish.id, PauseReason.TEMPLATE_REFUSED, detail, utcnow(), ANA, resumes_at=over)
    resume_language_when_over(spanish.id)
    assert cohorts(shell, campaign_id)["es"].resumes_at == over
    with shell.rt.database.write() as session:
        session.execute(update(Cohort).values(resumes_at=utcnow() - timedelta(seconds=1)))
        session.execute(update(Cohort).where(Cohort.paused_at.is_(None)).values(resumes_at=None))
    at_meta(shell, "es").status = "PENDING"
    resume_language_when_over(spanish.id)
    assert cohorts(shell, campaign_id)["es"].paused_at is not None
    at_meta(shell, "es").status = "APPROVED"
    resume_approved_languages(shell.rt, utcnow())
    assert queue(shell.rt.redis, CHORES).count == 1
    resume_language_when_over(spanish.id)
    assert cohorts(shell, campaign_id)["es"].paused_at is None
