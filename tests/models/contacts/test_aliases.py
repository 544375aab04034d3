"""Numbers and ids that people had before."""

from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.audience.audience import parse_audience
from models.contacts.aliases import KnownIdentifier, add_aliases, aliases_of, identifiers_of
from models.contacts.identity import Identity
from models.contacts.lookup import find_contact
from models.contacts.merge import merge_contacts
from models.contacts.resolve import resolve_contact
from models.contacts.search import search_contacts
from models.events.statuses.apply import apply_statuses
from models.events.types import Failure, Status
from models.tables.campaign import CampaignStatus
from models.tables.contact import Contact, ContactIdentity
from models.tables.contact_alias import ContactAlias
from models.tables.recipient import RecipientState
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.merging import LATER, unknown_person


@pytest.mark.parametrize("text", ["+34600000091", "+34 600 000 091"])
def test_a_number_that_a_merge_left_over_finds_the_person(session: Session, text: str) -> None:
    winner = alice(session)
    loser = make_contact(session, "+34600000091")
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    found = find_contact(session, text)
    assert found is not None
    assert found.id == winner.id
    assert resolve_contact(session, Identity(phone="+34600000091"), LATER, "shopify") == winner.id
    assert parse_audience(session, {"include": [{"contact": text}]}).include.contact_ids == (winner.id,)
    assert [contact.id for contact in search_contacts(session, phone="+3460000009").contacts] == [winner.id]
    assert winner.phone == "+34600000001"
    # They write from it: that is where answers go, and the other number is found as before.
    wrote = Identity(wa_id="34600000091", at=LATER)
    assert resolve_contact(session, wrote, LATER) == winner.id
    session.expire_all()
    assert (winner.wa_id, winner.person_key, winner.phone) == ("34600000091", "wa:34600000091", "+34600000001")
    assert resolve_contact(session, Identity(wa_id="34600000001", at=LATER), LATER) == winner.id
    assert session.scalar(select(func.count()).select_from(Contact).where(Contact.merged_into_id.is_(None))) == 1


def test_what_cannot_be_delivered_to_a_number_from_before_says_nothing_of_the_one_they_have(session: Session) -> None:
    winner, loser = alice(session), make_contact(session, "+34600000091")
    campaign = make_campaign(session, make_number(session), status=CampaignStatus.ACTIVE)
    given: dict[str, Any] = {"state": RecipientState.ACCEPTED, "attempts": 1, "accepted_at": NOW}
    rows = [
        make_recipient(session, campaign, who, wamid=f"w{place}", **given) for place, who in enumerate((winner, loser))
    ]
    merge_contacts(session, winner.id, loser.id, LATER)
    for row, count in ((rows[1], 0), (rows[0], 1)):
        lost = Status(row.wamid or "", "failed", LATER, failure=Failure(131026, "no"))
        assert apply_statuses(session, [lost], LATER, "inst").applied == 1
        session.expire_all()
        assert winner.undeliverable_count == count


def test_a_number_left_over_is_no_more_theirs_once_another_record_has_it(session: Session) -> None:
    winner, loser = alice(session), make_contact(session, "+34600000091")
    merge_contacts(session, winner.id, loser.id, LATER)
    portfolio = make_number(session).waba.portfolio_id
    owner = resolve_contact(session, Identity(portfolio_id=portfolio, bsuid="ES.9"), LATER)
    shown = Identity("34600000091", None, portfolio, "ES.9", at=LATER)
    assert resolve_contact(session, shown, LATER) == owner
    assert aliases_of(session, winner.id) == []
    assert resolve_contact(session, Identity(wa_id="34600000091", at=LATER), LATER) == owner


def test_whom_whatsapp_knows_by_another_id_is_not_the_person_who_wrote_from_the_number(session: Session) -> None:
    portfolio = make_number(session).waba.portfolio_id
    winner = unknown_person(session, wa_id="34600000001", phone="+34600000001")
    loser = make_contact(session, "+34600000091", wa_id="34600000091")
    merge_contacts(session, winner.id, loser.id, LATER)
    session.execute(update(ContactIdentity).values(portfolio_id=portfolio))
    stranger = resolve_contact(session, Identity("34600000091", None, portfolio, "ES.new", at=LATER), LATER)
    assert stranger != winner.id
    assert aliases_of(session, winner.id) == []


def test_each_former_number_leads_to_one_person(session: Session) -> None:
    one, other = alice(session), make_contact(session)
    add_aliases(session, one.id, {"wa:34600000091": KnownIdentifier("+34600000091")}, NOW)
    add_aliases(session, other.id, {"wa:34600000091": KnownIdentifier("+34600000091", True)}, LATER)
    assert [(row.contact_id, row.was_whatsapp) for row in session.scalars(select(ContactAlias))] == [(other.id, True)]
    add_aliases(session, one.id, identifiers_of(other), LATER)  # somebody has it: it is theirs alone
    assert aliases_of(session, one.id) == []
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(
            insert(ContactAlias).values(
                contact_id=one.id, key="wa:34600000091", shown="", was_whatsapp=False, created_at=NOW
            )
        )
