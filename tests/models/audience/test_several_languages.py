"""Campaigns of several languages: every candidate is in exactly one cohort or left out for exactly one reason, as the file says."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.audience.reach import estimate_reach
from models.campaigns.launch import begin_launch, launch_slice
from models.sending.cohorts import cohorts_of
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.cohort import Cohort
from models.tables.contact import Consent, Contact
from models.tables.number import Number
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.templates.languages import LanguageChoice
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

LANGUAGES = ["en", "es", "es_MX", "pt_BR", "de"]
SPOKEN = [None, "", "en", "en-GB", "ES", "es_AR", "es_MX", "pt", "PT_br", "de-AT", "fr", "xx"]
FLAWS: list[dict[str, Any]] = [
    {}, {"consent": Consent.UNSUBSCRIBED}, {"undeliverable_count": 2}, {"email": None},
]  # fmt: skip
BODY = {"body": {"1": {"source": "name", "fallback": "friend"}}}
EMAIL = {"body": {"1": {"source": "attribute", "attribute": "email"}}}


def campaign_in(session: Session, number: Number, codes: list[str], fallback: str | None, **values: Any) -> Campaign:
    name = f"several_{len(session.scalars(select(Campaign.id)).all())}"
    templates = {code: make_template(session, number, name=name, language=code) for code in codes}
    return make_campaign(
        session,
        number,
        templates[fallback or codes[0]],
        status=CampaignStatus.READY,
        languages=codes,
        fallback_language=fallback,
        **({"variables": BODY} | values),
    )


def launch(session: Session, campaign: Campaign, size: int = 20_000) -> list[Recipient]:
    session.execute(update(Campaign).where(Campaign.id == campaign.id).values(status="active", started_at=NOW))
    token = begin_launch(session, campaign.id, NOW)
    assert token is not None
    while launch_slice(session, campaign.id, token, NOW, size):
        pass
    session.expire_all()
    return list(session.scalars(select(Recipient).where(Recipient.campaign_id == campaign.id)))


@given(data=st.data())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_candidate_is_in_one_cohort_or_has_one_reason(session: Session, data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=5, unique=True))
    fallback = data.draw(st.one_of(st.none(), st.sampled_from(codes)))
    needing = data.draw(st.sets(st.sampled_from(codes)))
    people = data.draw(st.lists(st.tuples(st.sampled_from(SPOKEN), st.sampled_from(FLAWS)), min_size=1, max_size=15))
    nested = session.begin_nested()
    number = make_number(session)
    own = {code: {"variables": EMAIL} for code in needing}
    campaign = campaign_in(session, number, codes, fallback, by_language=own or None)
    expected: dict[int, tuple[str | None, NotSent | None]] = {}
    choice = LanguageChoice(codes, fallback)
    for language, flaw in people:
        values: dict[str, Any] = {"email": "ann@example.com", "language": language} | flaw
        contact = make_contact(session, tags={"vip": None}, **values)
        position = choice.position_of(language)
        code = None if position is None else codes[position]
        expected[contact.id] = (code, reason_of(contact, code, needing))
    session.flush()

    reach = estimate_reach(session, campaign, NOW)
    rows = launch(session, campaign, data.draw(st.sampled_from([1, 3, 20_000])))

    by_id = {cohort.id: cohort for cohort in cohorts_of(session, campaign.id)}
    assert sorted(row.contact_id for row in rows) == sorted(expected)
    found = {row.contact_id: (code_of(by_id, row), row.reason) for row in rows}
    assert found == expected
    assert all((row.state is RecipientState.QUEUED) == (row.reason is None) for row in rows)
    assert all(row.cohort_id is not None for row in rows if row.reason is None)
    assert reach.to_json()["not_sent"] == Counter(reason.value for _, reason in expected.values() if reason)
    people_by_code = Counter(code for code, reason in expected.values() if reason is None)
    assert reach.languages == {code: people_by_code[code] for code in codes}
    nested.rollback()


def reason_of(contact: Contact, code: str | None, needing: set[str]) -> NotSent | None:
    if contact.undeliverable_count >= 2:
        return NotSent.NOT_ON_WHATSAPP
    if contact.consent is not Consent.SUBSCRIBED:
        return NotSent.NOT_SUBSCRIBED
    if code in needing and contact.email is None:
        return NotSent.MISSING_VARIABLE
    return NotSent.NO_LANGUAGE if code is None else None


def code_of(cohorts: dict[int, Cohort], row: Recipient) -> str | None:
    return cohorts[row.cohort_id].template.language if row.cohort_id is not None else None


def test_values_and_variables_are_those_of_the_persons_language(session: Session) -> None:
    number = make_number(session)
    own = {"es": {"variables": {"body": {"1": {"source": "text", "text": "20 %"}, "2": {"source": "first_name"}}}}}
    name = "differs"
    english = make_template(session, number, name=name)
    body = [{"type": "BODY", "text": "{{1}} de descuento, {{2}}."}]
    make_template(session, number, name=name, language="es", components=body)
    campaign = make_campaign(
        session, number, english, languages=["en", "es"], fallback_language="en", by_language=own, variables=BODY
    )
    ann = make_contact(session, name="Ann Abel", language="fr")
    eva = make_contact(session, name="Eva Ruiz", language="es-MX")
    rows = {row.contact_id: row.source_values for row in launch(session, campaign)}
    assert rows == {ann.id: {"body": {"1": "Ann Abel"}}, eva.id: {"body": {"1": "20 %", "2": "Eva"}}}


@pytest.mark.parametrize("limit", [None, 250])
def test_people_of_a_language_are_counted_once_whether_or_not_they_count_for_the_limit(
    session: Session, limit: int | None
) -> None:
    number = make_number(session, messaging_limit=limit)
    campaign = campaign_in(session, number, ["en", "es"], "en")
    for language in ("es", "es", "fr"):
        make_contact(session, language=language)
    reach = estimate_reach(session, campaign, NOW)
    assert (reach.eligible, reach.languages) == (3, {"en": 1, "es": 2})
    assert reach.to_json()["languages"] == [{"language": "en", "people": 1}, {"language": "es", "people": 2}]
    assert sum((reach.areas or {}).values()) == 3
