"""Lists that are filled with people of a campaign, in slices, by whoever is alive."""

from typing import Any

import pytest
from sqlalchemy import select

from admin.operations.follow_up.people import put_people_on_list
from jobs.core.runtime import Runtime
from jobs.follow_up import fill_lists
from jobs.follow_up.fill_lists import fill_list, wake_fills
from models.audience.filling_lists import lists_being_filled
from models.campaigns.preflight import preflight
from models.clock import utcnow
from models.errors import OperatorError
from models.follow_up.list_fill import fill_slice, fills_of_list, purge_list_fills
from models.segments.campaign_people import CampaignFigure, PeopleChoice
from models.tables.audit import Audit, AuditAction
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent
from models.tables.list_fill import ListFill
from models.tables.recipient import RecipientState
from models.tables.tag import ContactList, ListMember
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact, make_list

READ, ALL = PeopleChoice((CampaignFigure.READ,)), PeopleChoice()
PEOPLE = 12


@pytest.fixture
def read_campaign(rt: Runtime) -> int:
    """A launched campaign, of whose people every third has read it; one of these was merged away, one redacted."""
    with rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ENDED, launched_at=NOW)
        for place in range(PEOPLE):
            contact = make_contact(session)
            read: dict[str, Any] = {"accepted_at": NOW, "read_at": NOW if place % 3 == 0 else None}
            make_recipient(session, campaign, contact, state=RecipientState.ACCEPTED, **read)
            if place == 3:
                contact.merged_into_id = contact.id - 1
            if place == 6:
                contact.redacted_at, contact.consent = NOW, Consent.REDACTED
                contact.phone = None
        return campaign.id


def test_a_list_is_filled_once_whatever_dies_and_whoever_does_it_too(rt: Runtime, read_campaign: int) -> None:
    list_id, name = put_people_on_list(rt, read_campaign, READ, "ada@example.com")
    with rt.database.write() as session:
        fill_id = session.scalars(select(ListFill.id)).one()
        assert fill_slice(session, fill_id, NOW, 4)
        session.rollback()  # the process died before its commit
    with rt.database.write() as session:
        assert fill_slice(session, fill_id, NOW, 4)
    with rt.database.read() as session:
        (half,) = fills_of_list(session, list_id)
        assert (half.looked_at, half.total, half.added, half.is_done, half.percent) == (4, PEOPLE, 1, False, 33)
        audience = {"include": [{"list": name}], "exclude": []}
        assert lists_being_filled(session, audience) == [name]
    with rt.database.write() as session:
        waiting = make_campaign(session, audience=audience)
        assert "list_being_filled" in [check.key for check in preflight(session, waiting.id, NOW).blocking]
    assert wake_fills(rt) in {0, 1}
    fill_list(fill_id)
    fill_list(fill_id)  # a second wake-up
    with rt.database.write() as session:
        (done,) = fills_of_list(session, list_id)
        assert (done.added, done.is_done, done.percent) == (2, True, 100)
        assert session.query(ListMember).filter_by(list_id=list_id).count() == 2
        assert lists_being_filled(session, audience) == []
        assert wake_fills(rt) == 0
        entry = session.scalars(select(Audit).where(Audit.action == AuditAction.ADD_MEMBERS)).one()
        assert (entry.actor, entry.detail) == (
            "ada@example.com",
            {"campaign": read_campaign, "people": {"status": "read"}},
        )
        session.query(ListFill).update({"finished_at": NOW})
        assert purge_list_fills(session, utcnow()) in {0, 1}


@pytest.mark.sqlite_only
def test_a_list_that_is_there_is_added_to_and_one_that_is_gone_ends_the_filling(
    rt: Runtime, read_campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rt.database.write() as session:
        existing = make_list(session, "Regulars").id
    assert put_people_on_list(rt, read_campaign, ALL, "ada", list_id=existing) == (existing, "Regulars")
    with pytest.raises(OperatorError, match="there is a list “Regulars” already"):
        put_people_on_list(rt, read_campaign, ALL, "ada", name="Regulars")
    with pytest.raises(OperatorError, match="there is no such list"):
        put_people_on_list(rt, read_campaign, ALL, "ada", list_id=999)
    with rt.database.write() as session:
        fill_id = session.scalars(select(ListFill.id)).one()
        session.get_one(ContactList, existing).name = " gone 1"
    monkeypatch.setattr(fill_lists, "BREATH_SECONDS", 0)
    fill_list(fill_id)
    with rt.database.read() as session:
        assert session.get_one(ListFill, fill_id).finished_at is not None
        assert session.query(ListMember).count() == 0


@pytest.mark.sqlite_only
def test_nobody_is_followed_up_before_the_campaign_was_prepared(rt: Runtime) -> None:
    with rt.database.write() as session:
        campaign_id = make_campaign(session).id
    with pytest.raises(OperatorError, match="nobody is in it before"):
        put_people_on_list(rt, campaign_id, ALL, "ada")
