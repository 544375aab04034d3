"""What Meta says of templates."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.stored_texts import show_stored
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.number import Number
from models.tables.template import Template
from models.tables.template_life import TemplateEventKind
from models.templates.life import life_of
from tests.support.account_webhooks import TOLD_AT, after, apply, audited, recorded
from tests.support.factories.campaigns import make_campaign


def test_a_paused_template_pauses_its_campaigns(session: Session, campaign: Campaign, template: Template) -> None:
    other = make_campaign(session, campaign.number, status=CampaignStatus.ACTIVE)
    apply(session, "template_paused")
    assert (template.status, campaign.status, campaign.pause_reason) == (
        "PAUSED", CampaignStatus.PAUSED, PauseReason.TEMPLATE_PAUSED,
    )  # fmt: skip
    assert show_stored(campaign.pause_detail) == "The template was paused for 3 hours for its low quality"
    assert other.status is CampaignStatus.ACTIVE
    assert audited(session) == ["pause", "template_status"]


@pytest.mark.parametrize("name", ["template_disabled", "template_rejected"])
def test_a_template_that_is_taken_away_pauses_its_campaigns(session: Session, campaign: Campaign, name: str) -> None:
    apply(session, name)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.TEMPLATE_DISABLED)


def test_nothing_goes_on_because_a_webhook_says_approved(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, "template_paused")
    result = apply(session, recorded("template_approved", after(3)))
    assert (template.status, campaign.status) == ("PAUSED", CampaignStatus.PAUSED)
    assert result.templates_of == {template.waba_id}


def test_an_older_pause_that_comes_late_undoes_nothing(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, recorded("template_approved", after(3)))
    apply(session, "template_paused")
    assert (template.status, campaign.status) == ("APPROVED", CampaignStatus.ACTIVE)


@pytest.mark.parametrize(("minutes", "status"), [(-6, "APPROVED"), (-4, "PAUSED")])
def test_a_pause_from_before_the_last_reading_has_meta_asked_and_stops_nothing(
    session: Session, campaign: Campaign, template: Template, minutes: int, status: str
) -> None:
    template.synced_at = after(3.5)
    result = apply(session, recorded("template_paused", after(3.5) + timedelta(minutes=minutes)))
    assert (template.status, campaign.status is CampaignStatus.ACTIVE) == (status, status == "APPROVED")
    assert result.templates_of == {template.waba_id}


@pytest.mark.parametrize("name", ["template_quality", "template_category_done"])
def test_a_quality_or_category_from_before_the_last_reading_has_meta_asked(
    session: Session, template: Template, name: str
) -> None:
    template.synced_at = after(1)
    result = apply(session, name)
    assert (template.quality, template.category, result.templates_of) == ("GREEN", "UTILITY", {template.waba_id})


def test_a_flagged_template_goes_on_being_sent(session: Session, campaign: Campaign, template: Template) -> None:
    apply(session, "template_flagged")
    assert (template.status, campaign.status, audited(session)) == (
        "APPROVED",
        CampaignStatus.ACTIVE,
        ["template_notice"],
    )


def test_a_status_that_nobody_knows_changes_nothing_and_asks_meta(session: Session, template: Template) -> None:
    unknown = recorded("template_paused")
    result = apply(session, replace(unknown, value=unknown.value | {"event": "SHINING"}))
    assert (template.status, result.templates_of) == ("APPROVED", {template.waba_id})


@pytest.mark.parametrize(
    ("name", "field", "said"),
    [
        ("template_approved", "message_template_status_update", {"event": "APPROVED"}),
        ("template_quality", "message_template_quality_update", {"new_quality_score": "YELLOW"}),
    ],
)
def test_a_template_that_we_do_not_know_is_read_from_meta_and_noted_on_its_account(
    session: Session, number: Number, name: str, field: str, said: dict[str, str]
) -> None:
    assert apply(session, name).templates_of == {number.waba_id}
    line = session.scalars(select(Audit)).one()
    assert (line.action, line.object_type, line.object_id) == (
        AuditAction.UNKNOWN_TEMPLATE,
        "waba",
        str(number.waba_id),
    )
    assert line.detail["field"] == field
    assert line.detail["name"]
    assert said.items() <= line.detail["said"].items()


def test_a_template_is_found_by_name_where_its_id_is_unknown(session: Session, template: Template) -> None:
    template.meta_id = None
    apply(session, "template_quality")
    assert template.quality == "YELLOW"


def test_quality_is_known_by_its_key_and_applies_only_if_newer(session: Session, template: Template) -> None:
    apply(session, recorded("template_quality_in_status_field", after(1)))
    apply(session, recorded("template_quality", after(0)))
    assert (template.quality, template.status) == ("RED", "APPROVED")


def test_red_quality_pauses_its_campaigns_and_yellow_does_not(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, "template_quality")
    assert (template.quality, campaign.status) == ("YELLOW", CampaignStatus.ACTIVE)
    apply(session, recorded("template_quality_in_status_field", after(1)))
    assert (template.quality, campaign.status, campaign.pause_reason) == (
        "RED", CampaignStatus.PAUSED, PauseReason.QUALITY,
    )  # fmt: skip
    assert "red" in show_stored(campaign.pause_detail)
    apply(session, recorded("template_quality_in_status_field", after(1)))
    assert audited(session).count("pause") == 1


def test_a_changed_text_stops_the_template_until_it_was_read_again(
    session: Session, campaign: Campaign, template: Template
) -> None:
    result = apply(session, "template_components")
    assert (template.stale_at, campaign.pause_reason) == (TOLD_AT, PauseReason.TEMPLATE_CHANGED)
    assert result.templates_of == {template.waba_id}


def test_a_changed_text_that_was_read_already_stops_nothing(
    session: Session, campaign: Campaign, template: Template
) -> None:
    template.synced_at = after(1)
    apply(session, "template_components")
    assert (template.stale_at, campaign.status) == (None, CampaignStatus.ACTIVE)


def test_an_announced_category_is_shown_and_a_changed_one_pauses(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, "template_category_coming")
    assert (template.category, template.correct_category, campaign.status) == (
        "UTILITY",
        "MARKETING",
        CampaignStatus.ACTIVE,
    )
    apply(session, recorded("template_category_done", after(24)))
    assert (template.category, template.correct_category, campaign.pause_reason) == (
        "MARKETING", None, PauseReason.TEMPLATE_CHANGED,
    )  # fmt: skip


def test_what_meta_says_stands_in_the_life_of_the_template(session: Session, template: Template) -> None:
    apply(session, "template_quality")
    apply(session, "template_rejected")
    apply(session, "template_components")
    life = [(event.kind, event.before, event.after, event.actor) for event in reversed(life_of(session, template.id))]
    assert life == [
        (TemplateEventKind.QUALITY, "GREEN", template.quality, "meta"),
        (TemplateEventKind.STATUS, "APPROVED", "REJECTED", "meta"),
        (TemplateEventKind.TEXT, None, None, "meta"),
    ]
    assert [show_stored(event.reason) for event in life_of(session, template.id) if event.reason] == [
        "INVALID_FORMAT: Add text after them"
    ]


def test_a_pause_keeps_meta_s_sentence(session: Session, template: Template) -> None:
    apply(session, "template_paused")
    apply(session, "template_paused")
    (event,) = life_of(session, template.id)
    assert (event.after, show_stored(event.reason)) == (
        "PAUSED", "The template was paused for 3 hours for its low quality",
    )  # fmt: skip


def test_a_warning_and_a_category_that_is_to_come_stand_in_the_life_too(session: Session, template: Template) -> None:
    apply(session, "template_flagged")
    apply(session, "template_category_coming")
    life = [(event.kind, event.before, event.after) for event in reversed(life_of(session, template.id))]
    assert life == [
        (TemplateEventKind.STATUS, None, "FLAGGED"),
        (TemplateEventKind.CATEGORY_ANNOUNCED, "UTILITY", "MARKETING"),
    ]
