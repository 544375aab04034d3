"""Which cohorts are open, and that a claim takes from no other."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.sending.claim import claim_recipients
from models.sending.cohorts import cohorts_of, make_cohorts
from models.sending.lease import open_lane
from models.sending.open_cohorts import count_open_queue, has_due, open_cohorts
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.cohort import Cohort
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
PAUSED = {"pause_reason": PauseReason.TEMPLATE_PAUSED, "paused_at": NOW}


def running(session: Session, **values: Any) -> tuple[Campaign, Cohort]:
    """A campaign that sends, with one recipient, and its cohort with these values."""
    campaign = make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=EARLIER)
    (cohort,) = cohorts_of(session, campaign.id)
    for name, value in values.items():
        setattr(cohort, name, value)
    source_values = {"body": {"1": "Ann"}}
    make_recipient(session, campaign, make_contact(session, tags={"vip": None}), source_values=source_values)
    session.flush()
    return campaign, cohort


def claimed_from(session: Session, campaign: Campaign, cohort: Cohort) -> int:
    lane_id = open_lane(session, campaign.number_id, "here", 1)
    return len(claim_recipients(session, lane_id, cohort.id, 10, NOW, edition=cohort.edition).rows)


@pytest.mark.parametrize(
    ("values", "is_open"),
    [
        ({}, True),
        ({"closes_at": LATER}, True),
        ({"closes_at": NOW}, False),
        ({"is_open": False}, False),
        ({"is_open": False, "opens_at": LATER}, False),
        ({"is_open": False, "opens_at": EARLIER}, True),
        ({"is_open": False, "opens_at": EARLIER, "closes_at": LATER}, True),
        ({"is_open": False, "opens_at": EARLIER, "closes_at": NOW}, False),
        (PAUSED, False),
        ({**PAUSED, "is_open": False, "opens_at": EARLIER}, False),
    ],
)
def test_lanes_wake_ups_the_forecast_and_the_claim_agree_which_cohort_is_open(
    session: Session, values: dict[str, Any], is_open: bool
) -> None:
    campaign, cohort = running(session, **values)
    expected = [cohort.id] if is_open else []
    assert [row.id for row in open_cohorts(session, NOW)] == expected
    assert [row.id for row in open_cohorts(session, NOW, number_id=campaign.number_id)] == expected
    assert count_open_queue(session, campaign.id, NOW) == len(expected)
    assert claimed_from(session, campaign, cohort) == len(expected)


def test_a_campaign_that_is_not_active_and_launched_has_no_open_cohort(session: Session) -> None:
    campaign, cohort = running(session)
    assert open_cohorts(session, NOW, number_id=(campaign.number_id or 0) + 1) == []
    campaign.launched_at = None
    session.flush()
    assert open_cohorts(session, NOW) == []
    campaign.launched_at, campaign.status = NOW, CampaignStatus.ENDED
    session.flush()
    assert open_cohorts(session, NOW) == []
    assert claimed_from(session, campaign, cohort) == 0


def test_a_claim_takes_from_its_cohort_alone(session: Session) -> None:
    campaign, cohort = running(session)
    other = Cohort(campaign_id=campaign.id, position=1, template_id=cohort.template_id, created_at=NOW)
    session.add(other)
    session.flush()
    row = make_recipient(
        session, campaign, make_contact(session), cohort_id=other.id, source_values={"body": {"1": "B"}}
    )
    assert claimed_from(session, campaign, cohort) == 1
    assert not has_due(session, cohort, NOW)
    assert has_due(session, other, NOW)
    session.expire(row)
    assert row.state is RecipientState.QUEUED


def test_a_lane_that_knows_an_earlier_edition_claims_nobody(session: Session) -> None:
    campaign, cohort = running(session, edition=2)
    lane_id = open_lane(session, campaign.number_id, "here", 1)
    assert not claim_recipients(session, lane_id, cohort.id, 10, NOW, edition=1).is_active
    assert claimed_from(session, campaign, cohort) == 1


def test_cohorts_are_made_once(session: Session) -> None:
    campaign, cohort = running(session)
    make_cohorts(session, campaign, NOW)
    make_cohorts(session, campaign, NOW)
    assert [row.id for row in cohorts_of(session, campaign.id)] == [cohort.id]


def test_a_recipient_without_a_cohort_is_claimed_by_its_campaign_and_stays_in_the_cohort(session: Session) -> None:
    campaign, cohort = running(session, has_unassigned=True)
    stranger, _ = running(session)
    values: dict[str, Any] = {"cohort_id": None, "source_values": {"body": {"1": "B"}}}
    row = make_recipient(session, campaign, make_contact(session, tags={"vip": None}), **values)
    others = make_recipient(session, stranger, make_contact(session, tags={"vip": None}), **values)
    assert count_open_queue(session, campaign.id, NOW) == 2
    assert claimed_from(session, campaign, cohort) == 2
    session.expire_all()
    assert (row.state, row.cohort_id) == (RecipientState.SENDING, cohort.id)
    assert (others.state, others.cohort_id) == (RecipientState.QUEUED, None)
    assert session.get_one(Recipient, others.id).attempts == 0
