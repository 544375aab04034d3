"""Where files of the library are used."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from jobs.media.usage import Use, campaign_files, uses_of
from models.tables.campaign import CampaignStatus
from models.tables.cohort import Cohort
from models.tables.template_life import DraftState, TemplateDraft
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW

SPRING, CARD, SPANISH, COHORT = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


def header(sha256: str) -> dict[str, Any]:
    return {"header": {"sha256": sha256, "file": "a.png"}}


def test_a_campaign_uses_the_files_of_its_header_cards_languages_and_cohorts(session: Session) -> None:
    number = make_number(session)
    template = make_template(session, number)
    campaign = make_campaign(
        session,
        number,
        template,
        media=header(SPRING),
        content={"cards": [{"media": header(CARD)}, {"media": {"header": {"link": "https://shop.example.com/a.png"}}}]},
        by_language={"es": {"media": header(SPANISH)}},
    )
    session.add(
        Cohort(campaign_id=campaign.id, position=0, template_id=template.id, media=header(COHORT), created_at=NOW)
    )
    make_campaign(session, number, template, name="Plain")
    session.flush()
    (found,) = campaign_files(session)
    assert (found.id, found.number_id, found.hashes) == (campaign.id, number.id, {SPRING, CARD, SPANISH, COHORT})
    assert uses_of(session, [COHORT, "e" * 64]) == {COHORT: [Use("campaign", campaign.id, "Spring", is_over=False)]}
    campaign.status = CampaignStatus.ENDED
    session.flush()
    assert [use.is_over for use in uses_of(session, [CARD])[CARD]] == [True]
    campaign.deleted_at = NOW
    session.flush()
    assert uses_of(session, [SPRING]) == {}


@pytest.mark.parametrize(("state", "is_over"), [(DraftState.WRITTEN, False), (DraftState.SUBMITTED, True)])
def test_a_template_uses_its_sample_until_meta_has_it(session: Session, state: DraftState, *, is_over: bool) -> None:
    template = make_template(session, make_number(session))
    part = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [f"file:{SPRING}.png"]}}
    session.add(
        TemplateDraft(
            template_id=template.id,
            definition={"components": [part]},
            state=state,
            state_at=NOW,
            written_at=NOW,
            written_by="ana@example.com",
        )
    )
    session.flush()
    assert uses_of(session, [SPRING]) == {SPRING: [Use("template", template.id, template.name, is_over)]}
