"""What Meta decides about a template pauses what sends it, whether an event or a reading says so: of several languages that one."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.campaigns.cohort_pause import pause_for_cohort, pause_for_template
from models.campaigns.template_changes import TemplateReading, pause_for_reading
from models.sending.cohorts import cohorts_of
from models.stored_texts import META_SAYS, show_stored
from models.tables.audit import SENDER
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.cohort import Cohort
from models.tables.template import Template
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW

R = PauseReason
BODY = [{"type": "BODY", "text": "Hello {{1}}!", "example": {"body_text": [["Maria"]]}}]


def several(session: Session, **values: Any) -> tuple[Campaign, Cohort, Cohort]:
    number = make_number(session)
    english = make_template(session, number, name="several", components=BODY)
    make_template(session, number, name="several", language="es", components=BODY)
    given: dict[str, Any] = {"status": CampaignStatus.ACTIVE, "launched_at": NOW, "languages": ["en", "es"]} | values
    campaign = make_campaign(session, number, english, **given)
    first, second = cohorts_of(session, campaign.id)
    return campaign, first, second


def read(session: Session, template: Template, **changes: Any) -> None:
    before = TemplateReading.of(template)
    for name, value in changes.items():
        setattr(template, name, value)
    session.flush()
    pause_for_reading(session, template, before, NOW)
    session.expire_all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "PAUSED"}, R.TEMPLATE_PAUSED),
        ({"status": "PENDING"}, R.TEMPLATE_CHANGED),
        ({"status": "DISABLED"}, R.TEMPLATE_DISABLED),
        ({"status": "DELETED"}, R.TEMPLATE_DISABLED),
        ({"category": "UTILITY"}, R.TEMPLATE_CHANGED),
        ({"quality": "RED"}, R.QUALITY),
        ({"quality": "YELLOW"}, None),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}!"}]}, R.TEMPLATE_CHANGED),
        ({"components": [BODY[0] | {"example": {"body_text": [["Eva"]]}}]}, None),
        ({"parameter_format": "NAMED"}, R.TEMPLATE_CHANGED),
        ({}, None),
    ],
)
def test_a_reading_that_shows_another_template_pauses_what_sends_it(
    session: Session, changes: dict[str, Any], reason: PauseReason | None
) -> None:
    number = make_number(session)
    template = make_template(session, number, components=BODY)
    plain = make_campaign(session, number, template, status=CampaignStatus.ACTIVE, launched_at=NOW)
    read(session, template, **changes)
    assert plain.pause_reason is reason

    campaign, english, spanish = several(session)
    read(session, spanish.template, **changes)
    assert (campaign.pause_reason, english.pause_reason, spanish.pause_reason) == (None, None, reason)


def test_the_same_reading_again_pauses_nothing_that_an_operator_resumed(session: Session) -> None:
    campaign, _, spanish = several(session)
    read(session, spanish.template, quality="RED")
    spanish.pause_reason = spanish.pause_detail = spanish.paused_at = None
    read(session, spanish.template, quality="RED")
    assert (campaign.pause_reason, spanish.pause_reason) == (None, None)


def test_a_template_that_all_cohorts_send_pauses_the_campaign(session: Session) -> None:
    campaign, english, spanish = several(session)
    spanish.template_id = english.template_id
    session.flush()
    detail = META_SAYS(said="Paused.")
    assert pause_for_template(session, english.template_id, R.TEMPLATE_PAUSED, detail, NOW) == [campaign.id]
    session.expire_all()
    assert (campaign.pause_reason, english.pause_reason) == (R.TEMPLATE_PAUSED, None)


@pytest.mark.parametrize("status", [CampaignStatus.PAUSED, CampaignStatus.ENDED, CampaignStatus.ACTIVE])
def test_a_language_of_a_campaign_that_an_operator_paused_waits_too_and_one_of_an_ended_campaign_does_not(
    session: Session, status: CampaignStatus
) -> None:
    campaign, _, spanish = several(session, status=status)
    pause_for_template(session, spanish.template_id, R.TEMPLATE_PAUSED, META_SAYS(said="Paused."), NOW)
    session.expire_all()
    assert spanish.pause_reason is (None if status is CampaignStatus.ENDED else R.TEMPLATE_PAUSED)
    assert show_stored(spanish.pause_detail) == ("" if status is CampaignStatus.ENDED else "Paused.")
    assert campaign.status is status


def test_a_reason_that_is_not_the_messages_pauses_the_whole_campaign(session: Session) -> None:
    campaign, english, spanish = several(session)
    assert pause_for_cohort(session, spanish.id, R.PAYMENT, META_SAYS(said="Pay."), NOW, SENDER)
    session.expire_all()
    assert (campaign.pause_reason, english.pause_reason, spanish.pause_reason) == (R.PAYMENT, None, None)


def test_a_replaced_template_stops_nobody_any_more(session: Session) -> None:
    campaign, english, spanish = several(session)
    former = english.template_id
    english.template_id = make_template(session, make_number(session), name="other").id
    session.flush()
    assert pause_for_template(session, former, R.TEMPLATE_DISABLED, META_SAYS(said="Gone."), NOW) == []
    session.expire_all()
    assert (campaign.pause_reason, english.pause_reason, spanish.pause_reason) == (None, None, None)
