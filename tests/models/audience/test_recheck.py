"""The recheck right before sending."""

from sqlalchemy.orm import Session

from models.audience.eligibility import MARKETING
from models.audience.recheck import recheck
from models.tables.contact import Consent, Suppression
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent
from tests.support.factories.common import NOW
from tests.support.factories.conversations import make_case
from tests.support.flawed_people import FLAWS, World


def test_the_recheck_finds_what_changed_since_the_launch_and_not_its_own_engagement(world: World) -> None:
    people = {flaw: world.contact() for flaw in FLAWS}
    world.launched()
    session = world.session
    people[NotSent.NOT_SUBSCRIBED].consent = Consent.UNSUBSCRIBED
    people[NotSent.MARKETING_STOPPED].marketing_stopped_at = NOW
    people[NotSent.NOT_ON_WHATSAPP].undeliverable_count = 2
    people[NotSent.INVALID_PHONE].phone = None
    people[NotSent.INVALID_PHONE].raw_phone = "12345"
    redacted = people[NotSent.EXCLUDED]
    redacted.consent, redacted.redacted_at = Consent.REDACTED, NOW
    make_case(session, people[NotSent.OPEN_CASE])
    session.flush()
    found = recheck(session, world.campaign, MARKETING, [contact.id for contact in people.values()], NOW)
    assert found == {
        people[NotSent.NOT_SUBSCRIBED].id: (NotSent.NOT_SUBSCRIBED, "unsubscribed"),
        people[NotSent.MARKETING_STOPPED].id: (NotSent.MARKETING_STOPPED, None),
        people[NotSent.NOT_ON_WHATSAPP].id: (NotSent.NOT_ON_WHATSAPP, None),
        people[NotSent.INVALID_PHONE].id: (NotSent.INVALID_PHONE, None),
        people[NotSent.OPEN_CASE].id: (NotSent.OPEN_CASE, None),
        redacted.id: (NotSent.NOT_SUBSCRIBED, "redacted"),
    }
    assert recheck(session, world.campaign, MARKETING, [], NOW) == {}


def test_the_recheck_finds_people_who_were_suppressed_for_good(world: World) -> None:
    one, two = world.contact(), world.contact()
    world.session.add(Suppression(person_hash=f"hash of {one.person_key}", reason="redacted", created_at=NOW))
    found = recheck(world.session, world.campaign, MARKETING, [one.id, two.id], NOW, lambda key: (f"hash of {key}",))
    assert found == {one.id: (NotSent.NOT_SUBSCRIBED, "suppressed")}


def test_a_person_in_this_very_campaign_is_not_engaged_elsewhere(world: World, session: Session) -> None:
    contact = world.contact()
    session.add(
        Engagement(person_key=contact.person_key, campaign_id=world.campaign.id, contact_id=contact.id, created_at=NOW)
    )
    session.flush()
    assert world.launched()[contact.id].reason is None
