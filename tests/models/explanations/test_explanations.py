"""Why somebody gets a campaign, or does not: as the launch decides it before, as the rows have it after."""

from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.explanations.explain import explain
from models.explanations.steps import Explanation, RuleResult
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.recipient import NotSent, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.flawed_people import FLAWS, World

pytestmark = pytest.mark.sqlite_unless_proved
R = RuleResult


def decided(explanation: Explanation) -> NotSent | None:
    return next((step.reason for step in explanation.rules if step.result is R.LEFT_OUT), None)


def test_a_draft_is_judged_as_its_launch_decides_and_names_every_rule_that_applies(session: Session) -> None:
    world = World(session)
    people: dict[tuple[NotSent, ...], Contact] = {(): world.contact()}
    people |= {(flaw,): world.contact(flaw) for flaw in FLAWS}
    for first, second in combinations(FLAWS, 2):
        if {first, second} != {NotSent.INVALID_PHONE, NotSent.MISSING_CALLING_CODE} and FLAWS.index(second) % 3 == 0:
            people[first, second] = world.contact(first, second)
    stranger = make_contact(session)
    twin = world.contact(phone="+551187650001"), world.contact(phone="+5511987650001")
    world.campaign.status, world.campaign.started_at = CampaignStatus.READY, None
    session.flush()
    judged = {flaws: explain(session, world.campaign, person, NOW, "UTC") for flaws, person in people.items()}
    older, newer = (explain(session, world.campaign, person, NOW, "UTC") for person in twin)
    outside = explain(session, world.campaign, stranger, NOW, "UTC")
    for explanation in judged.values():
        assert explanation.is_judged_now
        assert [step.reason for step in explanation.rules[1:]] == [
            reason for reason in NotSent if reason not in {NotSent.OPERATOR, NotSent.CAMPAIGN_ENDED}
        ]
        assert all(str(step.fact) for step in explanation.rules)
    assert str(outside.verdict) == "The audience does not include this contact."
    assert outside.rules[0].result is R.LEFT_OUT
    assert (decided(older), decided(newer)) == (None, NotSent.DUPLICATE)
    world.campaign.status, world.campaign.started_at = CampaignStatus.ACTIVE, NOW
    session.flush()
    rows = world.launched()
    for flaws, explanation in judged.items():
        assert decided(explanation) == rows[people[flaws].id].reason, flaws
        assert explanation.is_written_to is (not flaws)
        recorded = explain(session, world.campaign, people[flaws], NOW, "UTC")
        assert (recorded.is_judged_now, decided(recorded)) == (False, rows[people[flaws].id].reason)


def test_the_facts_say_by_what_somebody_was_judged_and_since_when(session: Session) -> None:
    world = World(session)
    person = world.contact(NotSent.NOT_SUBSCRIBED, NotSent.OPEN_CASE, NotSent.ENGAGED, NotSent.MISSING_VARIABLE)
    asked_at = NOW - timedelta(days=3)
    event = ConsentEvent(
        contact_id=person.id, after=Consent.UNSUBSCRIBED, at=asked_at, source="wrote STOP", actor="person"
    )
    session.add(event)
    world.campaign.status, world.campaign.started_at = CampaignStatus.READY, None
    session.flush()
    explanation = explain(session, world.campaign, person, NOW, "UTC")
    steps = {step.reason: step for step in explanation.rules}
    assert str(explanation.verdict) == "Would be left out: The contact is not subscribed."
    assert str(steps[None].fact) == "In the audience by the list “members”."
    consent = steps[NotSent.NOT_SUBSCRIBED]
    assert (str(consent.fact), consent.at) == ("Consent is unsubscribed, by wrote STOP.", asked_at)
    assert str(steps[NotSent.ENGAGED].fact) == "In the campaign Spring."
    assert str(steps[NotSent.MISSING_VARIABLE].fact).startswith("Missing: ")
    assert [steps[reason].result for reason in (NotSent.OPEN_CASE, NotSent.ENGAGED)] == [R.ALSO, R.ALSO]
    assert steps[NotSent.NO_LANGUAGE].result is R.NOT_ASKED


def test_a_launched_campaign_is_told_from_its_rows_and_never_judged_again(session: Session) -> None:
    campaign = make_campaign(session, status=CampaignStatus.ENDED, launched_at=NOW)
    reader, late, queued = (make_contact(session) for _ in range(3))
    minutes = [NOW + timedelta(minutes=place) for place in range(4)]
    times: dict[str, Any] = {
        "accepted_at": minutes[0],
        "sent_at": minutes[1],
        "delivered_at": minutes[2],
        "read_at": minutes[3],
    }
    make_recipient(session, campaign, reader, state=RecipientState.ACCEPTED, attempts=1, claimed_at=minutes[0], **times)
    make_recipient(session, campaign, queued, state=RecipientState.NOT_SENT, reason=NotSent.OPEN_CASE)
    late.created_at = NOW + timedelta(hours=1)
    reader.consent = Consent.UNSUBSCRIBED  # later: the rows know nothing of it
    session.flush()
    explanation = explain(session, campaign, reader, NOW, "UTC")
    assert (str(explanation.verdict), explanation.is_written_to) == ("Sent, delivered and read.", True)
    assert {step.result for step in explanation.rules} == {R.PASSED}
    assert [(str(step.text), step.at) for step in explanation.happened][-3:] == [
        ("Sent", minutes[1]), ("Delivered", minutes[2]), ("Read", minutes[3]),
    ]  # fmt: skip
    found_late = explain(session, campaign, queued, NOW, "UTC")
    assert "Found right before sending: " in str(next(it.fact for it in found_late.rules if it.result is R.LEFT_OUT))
    absent = explain(session, campaign, late, NOW, "UTC")
    assert str(absent.rules[0].fact) == "The contact was added after the campaign had started."


def test_a_draft_that_lacks_its_parts_judges_nobody(session: Session) -> None:
    person = make_contact(session)
    empty = make_campaign(session, audience={})
    assert "lacks its number" in str(explain(session, empty, person, NOW, "UTC").verdict)
    broken = make_campaign(session, audience={"include": [{"list": "gone"}]})
    assert "The audience cannot be read" in str(explain(session, broken, person, NOW, "UTC").verdict)
