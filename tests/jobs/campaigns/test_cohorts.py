"""A language that Meta paused goes on once Meta approves it, and a template is replaced: Meta is asked first, nobody gets two."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.sandbox.template import SandboxTemplate
from jobs.campaigns.cohorts import list_replacements, replace_and_resume, resume_approved_languages, resume_language
from jobs.campaigns.launch import launch_campaign
from jobs.campaigns.lifecycle import pause_campaign, resume_campaign
from jobs.campaigns.start import start_campaign
from jobs.maintenance.meta_sync import read_templates
from jobs.sending import lane
from jobs.sending.serve import serve
from models.clock import utcnow
from models.errors import OperatorError
from models.sending.cohorts import cohorts_of
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.cohort import Cohort
from models.tables.contact import Contact
from models.tables.number import Number
from models.tables.recipient import Recipient
from models.tables.template import Template
from tests.support.cli_app import ANA, Shell

pytestmark = pytest.mark.usefixtures("number_and_people_added", "short_lanes")

SEVERAL = {"name": "spring_sale", "languages": ["en", "es"], "fallback": "en"}


@pytest.fixture
def short_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "IDLE_SECONDS", 0.2)


def at_meta(shell: Shell, language: str, name: str = "spring_sale") -> SandboxTemplate:
    found = shell.meta.sim.world.find_template(name, language)
    assert found is not None
    return found


def add_at_meta(shell: Shell, name: str, like: SandboxTemplate, **changes: Any) -> None:
    plan = {"language": like.language, "category": like.category, "components": like.components} | changes
    shell.meta.sim.world.add_template(like.waba_id, {"name": name, **plan})


def started(shell: Shell, **changes: Any) -> int:
    """A campaign to two people, one of whom reads Spanish, that was launched and not sent."""
    with shell.rt.database.write() as session:
        session.execute(update(Contact).where(Contact.phone == "+447700900003").values(language="es-MX"))
    campaign_id = shell.add_campaign(**changes)
    start_campaign(shell.rt, campaign_id, utcnow(), ANA)
    launch_campaign(campaign_id)
    return campaign_id


def read_again(shell: Shell) -> None:
    with shell.rt.database.read() as session:
        waba_pk = session.scalars(select(Number.waba_id)).one()
    read_templates(shell.rt, waba_pk, utcnow())


def send(shell: Shell) -> int:
    with shell.rt.database.read() as session:
        number_id = session.scalars(select(Number.id)).one()
    return serve(shell.rt, number_id)


def row(shell: Shell, campaign_id: int) -> Campaign:
    with shell.rt.database.read() as session:
        return session.get_one(Campaign, campaign_id)


def cohorts(shell: Shell, campaign_id: int) -> dict[str, Cohort]:
    with shell.rt.database.read() as session:
        return {cohort.template.language: cohort for cohort in cohorts_of(session, campaign_id)}


def got(shell: Shell) -> list[tuple[str, str]]:
    return sorted((str(message.template), str(message.language)) for message in shell.meta.store.messages)


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
