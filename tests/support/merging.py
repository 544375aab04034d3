"""Two records of one person."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.tables.contact import Consent, Contact, ContactIdentity
from models.tables.engagement import Engagement
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

LATER = NOW + timedelta(hours=1)


def unknown_person(session: Session, **values: Any) -> Contact:
    """Known by a BSUID alone."""
    portfolio = make_number(session).waba.portfolio_id
    given: dict[str, Any] = {
        "has_identity": True,
        "consent": Consent.UNKNOWN,
        "consent_at": None,
        "tags": {},
        "now": LATER,
        "name": "",
    }
    contact = make_contact(session, **(given | values))
    contact.person_key = f"bs:{portfolio}:ES.{contact.id}"
    session.add(
        ContactIdentity(contact_id=contact.id, portfolio_id=portfolio, bsuid=f"ES.{contact.id}", created_at=LATER)
    )
    session.flush()
    return contact


def engage(session: Session, contact: Contact, campaign_id: int, at: Any = NOW) -> None:
    session.add(
        Engagement(person_key=contact.person_key, campaign_id=campaign_id, contact_id=contact.id, created_at=at)
    )
    session.flush()
