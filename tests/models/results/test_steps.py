"""The steps of a campaign's bot flow: people per step, and the median time since the step before."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models.campaigns.stats import campaign_stats
from models.results.steps import StepFigures, step_funnel
from models.tables.campaign import Campaign
from models.tables.flow import Flow, FunnelStep
from models.tables.recipient import RecipientState
from tests.support.exported import row_of
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW


@pytest.fixture
def with_steps(session: Session) -> Campaign:
    """A campaign whose flow has the steps menu, offer and paid; another campaign's people passed them too."""
    flow = Flow(name="spring", version=1, created_at=NOW, updated_at=NOW)
    session.add(flow)
    session.flush()
    for name, people in (("Spring", ((60,), (70, 100), (90, 110, 500), (80, 130.5))), ("Other", ((1, 2, 3),))):
        campaign = make_campaign(session, name=name, flow_id=flow.id)
        for seconds in people:
            row = row_of(session, campaign, RecipientState.ACCEPTED, "delivered", "replied")
            for step, passed in zip(("menu", "offer", "paid"), seconds, strict=False):
                session.add(FunnelStep(recipient_id=row.id, step=step, at=NOW + timedelta(seconds=passed)))
    session.flush()
    return session.query(Campaign).filter_by(name="Spring").one()


def test_people_are_counted_per_step_most_of_them_first(session: Session, with_steps: Campaign) -> None:
    assert list(campaign_stats(session, with_steps.id)["steps"].items()) == [("menu", 4), ("offer", 3), ("paid", 1)]


def test_a_step_has_the_median_time_since_the_person_s_step_before(session: Session, with_steps: Campaign) -> None:
    assert step_funnel(session, with_steps.id) == [
        StepFigures("menu", 4, 75.0),
        StepFigures("offer", 3, 30.0),
        StepFigures("paid", 1, 390.0),
    ]


@pytest.mark.sqlite_unless_proved
def test_a_step_before_meta_s_clock_took_no_time_and_one_without_a_beginning_says_nothing(session: Session) -> None:
    campaign = make_campaign(session)
    early, unknown = (
        row_of(session, campaign, RecipientState.ACCEPTED),
        row_of(session, campaign, RecipientState.UNSURE),
    )
    for row in (early, unknown):
        session.add(FunnelStep(recipient_id=row.id, step=f"of {row.state}", at=NOW - timedelta(seconds=5)))
    session.flush()
    assert step_funnel(session, campaign.id) == [
        StepFigures("of accepted", 1, 0.0),
        StepFigures("of unsure", 1, None),
    ]
    assert step_funnel(session, 0) == []
