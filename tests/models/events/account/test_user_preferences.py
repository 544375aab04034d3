"""What people choose inside WhatsApp: marketing stopped and resumed, and signing up."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.audit import Audit
from models.tables.contact import Consent, Contact
from models.tables.number import Number
from tests.support.account_webhooks import TOLD_AT, after, apply, recorded
from tests.support.factories.contacts import alice


def test_a_sign_up_inside_whatsapp_is_noted_and_is_no_consent(session: Session, number: Number) -> None:
    person = alice(session, consent=Consent.UNKNOWN)
    apply(session, "preference_signup")
    assert (person.consent, person.marketing_stopped_at) == (Consent.UNKNOWN, None)
    line = session.scalars(select(Audit)).one()
    assert (line.action, line.object_type, line.object_id) == ("marketing_signup", "contact", str(person.id))


def test_a_marketing_stop_suppresses_and_a_resume_lifts_it_whatever_comes_first(
    session: Session, number: Number
) -> None:
    person = alice(session)
    apply(session, "preference_resume")
    apply(session, "preference_stop")
    assert not person.marketing_stopped_at
    newer = recorded("preference_stop", after(1))
    newer.value["user_preferences"][0]["timestamp"] = int(after(1).timestamp())
    apply(session, newer)
    assert (person.marketing_stopped_at, person.consent) == (after(1), Consent.SUBSCRIBED)


def test_a_marketing_stop_of_somebody_new_is_kept_for_when_they_come(session: Session, number: Number) -> None:
    apply(session, "preference_stop")
    person = session.scalars(select(Contact)).one()
    assert (person.phone, person.consent, person.marketing_stopped_at) == ("+34600000001", Consent.UNKNOWN, TOLD_AT)
