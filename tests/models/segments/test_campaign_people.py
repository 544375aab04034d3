"""People of a campaign by its figures: the list behind a figure and the rule of a segment name the same ones."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.stats import campaign_stats
from models.errors import OperatorError
from models.segments.campaign_people import CampaignFigure, PeopleChoice, read_people_choice
from models.segments.compile import compile_rule
from models.segments.operators import RuleError
from models.segments.rule import parse_rule
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Contact
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.recipient_tap import RecipientTap
from tests.support.factories.campaigns import make_campaign, make_lane, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

S, F = RecipientState, CampaignFigure


@pytest.fixture
def varied_campaign(session: Session) -> Campaign:
    """A campaign with somebody in each state, and another one with the same people left out."""
    campaign = make_campaign(session, status=CampaignStatus.ENDED)
    other = make_campaign(session, status=CampaignStatus.ENDED)
    lane = make_lane(session)

    def somebody(state: RecipientState, **values: Any) -> Recipient:
        contact = make_contact(session)
        make_recipient(session, other, contact, state=S.NOT_SENT, reason=NotSent.ENGAGED)
        return make_recipient(session, campaign, contact, state=state, **values)

    def times(*names: str) -> dict[str, datetime]:
        return {f"{name}_at": NOW for name in ("accepted", *names)}

    somebody(S.QUEUED)
    somebody(S.SENDING, lane_id=lane.id)
    somebody(S.UNSURE, unsure_at=NOW)
    somebody(S.HELD, accepted_at=NOW)
    somebody(S.ACCEPTED, **times())
    somebody(S.ACCEPTED, **times("delivered"))
    somebody(S.ACCEPTED, **times("delivered", "read"))
    replied = somebody(S.ACCEPTED, **times("delivered", "read", "replied"))
    somebody(S.ACCEPTED, **times("failed"), error_code=131049)
    somebody(S.REFUSED, error_code=131026)
    somebody(S.REFUSED)
    for reason in (NotSent.NOT_SUBSCRIBED, NotSent.OPEN_CASE):
        somebody(S.NOT_SENT, reason=reason)
    for place in ("1", "2.0"):
        session.add(RecipientTap(recipient_id=replied.id, place=place, campaign_id=campaign.id, title="Yes", at=NOW))
    session.flush()
    return campaign


def choices() -> Iterator[PeopleChoice]:
    for figure in CampaignFigure:
        yield PeopleChoice((figure,))
        yield PeopleChoice(lacks=(figure,)) if figure is not F.CANDIDATES else PeopleChoice()
    yield PeopleChoice((F.READ,), (F.REPLIED,))
    yield PeopleChoice((F.FAILED,), codes=(131049, 131026))
    yield PeopleChoice((F.NOT_SENT,), reason=NotSent.OPEN_CASE)
    yield PeopleChoice((F.TAPPED,), button="2.0")
    yield PeopleChoice((F.TAPPED, F.READ), (F.FAILED,), button="7")


def test_the_list_behind_a_figure_and_its_segment_are_the_same_people(
    session: Session, varied_campaign: Campaign
) -> None:
    stats = campaign_stats(session, varied_campaign.id)
    contact = Contact.__table__
    for choice in choices():
        listed = select(Recipient.contact_id).where(
            Recipient.campaign_id == varied_campaign.id, *choice.conditions(Recipient)
        )
        rule = parse_rule(session, choice.rule(varied_campaign.id))
        matching = select(contact.c.id).where(compile_rule(rule, NOW, contact))
        people = sorted(session.scalars(listed))
        assert people == sorted(session.scalars(matching)), choice
        if len(choice.has) == 1 and choice.has[0] in stats and choice == PeopleChoice(choice.has):
            shown = stats[choice.has[0]]
            assert len(people) == (sum(shown.values()) if isinstance(shown, dict) else shown), choice
        assert read_people_choice(choice.to_fields()) == choice


def test_every_figure_and_choice_has_a_name() -> None:
    names = [choice.name for choice in choices()]
    assert all(names)
    assert PeopleChoice((F.READ,), (F.REPLIED,)).name == "Read, no reply"


@pytest.mark.parametrize(
    "fields",
    [{"status": "nonsense"}, {"status": "-candidates"}, {"reason": "x"}, {"codes": "1,x"}, {"button": "1.2.3"}],
)
def test_what_names_nobody_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(OperatorError):
        read_people_choice(fields)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"value": "nonsense"}, "value 'nonsense' is not one of"),
        ({"value": ["read"]}, "is not one of"),
        ({}, "value None is not one of"),
        ({"value": "read", "reason": "open_case"}, "'reason' does not belong to campaign is"),
        ({"value": "not_sent", "reason": {}}, "reason {} is not one of"),
        ({"value": "tapped", "button": "x"}, "button must be its place"),
        ({"value": "read", "days": 3}, "'days' does not belong to campaign is"),
    ],
)
def test_a_rule_about_a_figure_says_what_is_wrong(session: Session, extra: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse_rule(session, {"all": [{"on": "campaign", "op": "is"} | extra]})
