"""The waterfall: each candidate under its first reason, alike in the estimate, the launch and the recheck."""

import os
from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audience import reach
from models.audience.eligibility import recheck
from models.audience.reach import Reach, estimate_reach
from models.campaigns.launch import begin_launch, launch_slice
from models.db.engine import Database
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Consent, Contact, ContactIdentity, Suppression
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.setting import write_setting
from tests.support import factories
from tests.support.factories import NOW

FLAWS: Sequence[NotSent] = (
    NotSent.EXCLUDED,
    NotSent.NO_TAGS,
    NotSent.INVALID_PHONE,
    NotSent.MISSING_CALLING_CODE,
    NotSent.NOT_ON_WHATSAPP,
    NotSent.NOT_SUBSCRIBED,
    NotSent.MARKETING_STOPPED,
    NotSent.OPEN_CASE,
    NotSent.ENGAGED,
    NotSent.MISSING_VARIABLE,
    NotSent.FREQUENCY_CAP,
)


class World:
    """A campaign to a list, and contacts made with the flaws that are asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.number = factories.make_number(session)
        self.template = factories.make_template(session, self.number)
        self.members = factories.make_list(session, "members")
        self.blocked = factories.make_list(session, "blocked")
        factories.put_tag(session, factories.make_contact(session, tags={}), "customer_id", "0")
        self.campaign = factories.make_campaign(
            session,
            self.number,
            self.template,
            status=CampaignStatus.ACTIVE,
            audience={"include": [{"list": "members"}], "exclude": [{"list": "blocked"}]},
            variables={"body": {"1": {"source": "attribute", "attribute": "email"}}},
        )
        self.other = factories.make_campaign(session, self.number, self.template, status=CampaignStatus.ACTIVE)
        self.past = factories.make_campaign(session, self.number, self.template, status=CampaignStatus.ENDED)
        write_setting(session, "frequency_cap_messages", 1, NOW)

    def contact(self, *flaws: NotSent, **values: Any) -> Contact:
        given: dict[str, Any] = {"email": None if NotSent.MISSING_VARIABLE in flaws else "ann@example.com"}
        if NotSent.INVALID_PHONE in flaws:
            given |= {"raw_phone": f"9{factories.next_serial()}", "phone_problem": "invalid_phone"}
        elif NotSent.MISSING_CALLING_CODE in flaws:
            given |= {"raw_phone": f"8{factories.next_serial()}", "phone_problem": "missing_calling_code"}
        if NotSent.NOT_ON_WHATSAPP in flaws:
            given["undeliverable_count"] = 2
        if NotSent.NOT_SUBSCRIBED in flaws:
            given["consent"] = Consent.UNSUBSCRIBED
        if NotSent.MARKETING_STOPPED in flaws:
            given["marketing_stopped_at"] = NOW
        tags: dict[str, str | None] = {} if NotSent.NO_TAGS in flaws else {"vip": None}
        contact = factories.make_contact(self.session, tags=tags, **(given | values))
        factories.join_list(self.session, self.members, contact)
        if NotSent.EXCLUDED in flaws:
            factories.join_list(self.session, self.blocked, contact)
        if NotSent.OPEN_CASE in flaws:
            factories.make_case(self.session, contact)
        if NotSent.ENGAGED in flaws:
            self.engage(contact)
        if NotSent.FREQUENCY_CAP in flaws:
            self.sent_before(contact)
        return contact

    def engage(self, contact: Contact) -> None:
        key = contact.person_key
        self.session.add(Engagement(person_key=key, campaign_id=self.other.id, contact_id=contact.id, created_at=NOW))
        self.session.flush()

    def sent_before(self, contact: Contact, days: int = 2, **values: Any) -> None:
        factories.make_recipient(
            self.session,
            self.past,
            contact,
            state=RecipientState.ACCEPTED,
            accepted_at=NOW - timedelta(days=days),
            **values,
        )

    def reach(self) -> Reach:
        return estimate_reach(self.session, self.campaign, NOW)

    def launched(self) -> dict[int, Recipient]:
        token = begin_launch(self.session, self.campaign.id, NOW)
        assert token is not None
        while launch_slice(self.session, self.campaign.id, token, NOW, size=7):
            pass
        rows = self.session.scalars(select(Recipient).where(Recipient.campaign_id == self.campaign.id))
        return {row.contact_id: row for row in rows}


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


def test_each_flaw_is_a_reason_and_of_two_flaws_the_first_counts(world: World) -> None:
    expected: dict[int, NotSent | None] = {world.contact().id: None}
    for flaw in FLAWS:
        expected[world.contact(flaw).id] = flaw
    for first, second in combinations(FLAWS, 2):
        if {first, second} != {NotSent.INVALID_PHONE, NotSent.MISSING_CALLING_CODE}:
            expected[world.contact(first, second).id] = first
    reach = world.reach()
    rows = world.launched()
    assert {contact_id: row.reason for contact_id, row in rows.items()} == expected
    assert (reach.candidates, reach.eligible) == (len(expected), 1)
    assert reach.candidates == reach.eligible + sum((reach.not_sent or {}).values())
    counted = {flaw.value: list(expected.values()).count(flaw) for flaw in FLAWS}
    assert dict(reach.not_sent or {}) == counted, "the estimate counts as the launch does"


def test_what_others_had_is_not_counted_towards_the_cap_of_a_person_with_two_records(world: World) -> None:
    capped, twice = world.contact(NotSent.FREQUENCY_CAP), world.contact(phone="+5511987650001")
    world.contact(phone="+551187650001")

    assert world.reach().not_sent == {"frequency_cap": 1, "duplicate": 1}
    reasons = {contact_id: row.reason for contact_id, row in world.launched().items()}
    assert (reasons[capped.id], reasons[twice.id]) == (NotSent.FREQUENCY_CAP, None)


def test_counted_in_parts_side_by_side_everybody_counts_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        world = World(session)
        for flaw in FLAWS:
            world.contact(flaw)
        for number in range(4):  # the second record of each person stands in another part than the first
            world.contact(phone=f"+551198765000{number}")
        for number in range(4):
            world.contact(phone=f"+55118765000{number}")
        at_once = world.reach()
    monkeypatch.setattr(reach, "PART", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)

    with database.read() as session:
        assert (len(reach._parts(session)) > 1) is database.is_sqlite
        in_parts = estimate_reach(session, session.get_one(Campaign, world.campaign.id), NOW)

    assert in_parts == at_once
    with (
        reach._PARALLEL_LOCK,
        database.read() as session,
    ):  # somebody else counts in parts: no more connections are asked for
        monkeypatch.setattr(reach, "ThreadPoolExecutor", None)
        assert estimate_reach(session, session.get_one(Campaign, world.campaign.id), NOW) == at_once
    not_sent = in_parts.not_sent or {}
    assert (in_parts.eligible, not_sent["duplicate"], not_sent["frequency_cap"]) == (4, 4, 1)


def test_the_order_of_the_reasons_is_that_of_the_enum() -> None:
    assert list(FLAWS) == [reason for reason in NotSent if reason in FLAWS]


def test_an_exclusion_of_any_record_excludes_the_person(world: World) -> None:
    wanted = world.contact(phone="+5511987650001")
    factories.join_list(world.session, world.blocked, factories.make_contact(world.session, "+551187650001"))
    row = world.launched()[wanted.id]
    assert (row.reason, row.person_key) == (NotSent.EXCLUDED, f"c:{wanted.id}")


def test_an_opt_out_a_marketing_stop_and_a_case_of_any_record_count_for_the_person(world: World) -> None:
    reasons: dict[int, NotSent | None] = {}
    flaws: list[tuple[dict[str, Any], NotSent | None]] = [
        ({"consent": Consent.UNSUBSCRIBED}, NotSent.NOT_SUBSCRIBED),
        ({"marketing_stopped_at": NOW}, NotSent.MARKETING_STOPPED),
        ({}, NotSent.OPEN_CASE),
        ({"consent": Consent.UNKNOWN}, None),
    ]
    for number, (flaw, reason) in enumerate(flaws):
        wanted = world.contact(phone=f"+551198765000{number}")
        twin = factories.make_contact(world.session, f"+55118765000{number}", **flaw)
        if reason is NotSent.OPEN_CASE:
            factories.make_case(world.session, twin)
        reasons[wanted.id] = reason
    contacts = list(reasons)
    assert {key: found[0] for key, found in recheck(world.session, world.campaign, contacts, NOW).items()} == {
        key: reason for key, reason in reasons.items() if reason
    }
    assert {key: row.reason for key, row in world.launched().items()} == reasons


def test_what_a_merged_record_said_no_longer_counts(world: World) -> None:
    wanted = world.contact(phone="+5511987650001")
    factories.make_contact(world.session, "+551187650001", consent=Consent.UNSUBSCRIBED, merged_into_id=wanted.id)
    assert world.launched()[wanted.id].reason is None


def test_a_person_known_by_an_identity_of_the_portfolio_alone_can_be_written_to(world: World) -> None:
    ours, theirs = world.contact(has_identity=True), world.contact(has_identity=True)
    portfolios = {
        ours.id: world.number.waba.portfolio_id,
        theirs.id: factories.make_number(world.session).waba.portfolio_id,
    }
    for contact_id, portfolio_id in portfolios.items():
        world.session.add(
            ContactIdentity(contact_id=contact_id, portfolio_id=portfolio_id, bsuid=f"ES.{contact_id}", created_at=NOW)
        )
    world.session.flush()
    rows = world.launched()
    assert (rows[ours.id].reason, rows[theirs.id].reason) == (None, NotSent.INVALID_PHONE)


def test_a_marketing_stop_and_the_cap_leave_utility_messages_alone(world: World) -> None:
    world.template.category = "UTILITY"
    stopped, capped = world.contact(NotSent.MARKETING_STOPPED), world.contact(NotSent.FREQUENCY_CAP)
    rows = world.launched()
    assert (rows[stopped.id].reason, rows[capped.id].reason) == (None, None)


def test_the_cap_counts_what_may_have_arrived_in_its_days(world: World) -> None:
    old, failed, unsure = world.contact(), world.contact(), world.contact()
    world.sent_before(old, days=8)
    world.sent_before(failed, failed_at=NOW)
    factories.make_recipient(world.session, world.past, unsure, state=RecipientState.UNSURE, claimed_at=NOW)
    rows = world.launched()
    assert [rows[contact.id].reason for contact in (old, failed, unsure)] == [None, None, NotSent.FREQUENCY_CAP]


def test_the_cap_counts_what_any_record_of_the_person_had(world: World) -> None:
    first = world.contact()
    second = factories.make_contact(world.session, person_key=first.person_key, phone=None, wa_id="34699999999")
    world.sent_before(second)
    assert world.reach().not_sent == {"frequency_cap": 1}
    assert world.launched()[first.id].reason is NotSent.FREQUENCY_CAP


def test_a_cap_of_more_days_than_the_calendar_has_counts_all_that_is_known(world: World) -> None:
    write_setting(world.session, "frequency_cap_days", 1_000_000, NOW)
    contact = world.contact()
    world.sent_before(contact, days=3000)
    assert world.reach().not_sent == {"frequency_cap": 1}
    assert world.launched()[contact.id].reason is NotSent.FREQUENCY_CAP


def test_untagged_contacts_can_be_reached_where_the_installation_says_so(world: World) -> None:
    write_setting(world.session, "allow_untagged", True, NOW)
    untagged = world.contact(NotSent.NO_TAGS)
    assert world.launched()[untagged.id].reason is None


def test_the_detail_says_what_the_sentence_leaves_open(world: World) -> None:
    consent, variable = world.contact(consent=Consent.PENDING), world.contact(NotSent.MISSING_VARIABLE)
    engaged = world.contact(NotSent.ENGAGED)
    rows = world.launched()
    details = [rows[contact.id].detail for contact in (consent, variable, engaged)]
    assert details == ["pending", "body 1", "Spring"]


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
    factories.make_case(session, people[NotSent.OPEN_CASE])
    session.flush()
    found = recheck(session, world.campaign, [contact.id for contact in people.values()], NOW)
    assert found == {
        people[NotSent.NOT_SUBSCRIBED].id: (NotSent.NOT_SUBSCRIBED, "unsubscribed"),
        people[NotSent.MARKETING_STOPPED].id: (NotSent.MARKETING_STOPPED, None),
        people[NotSent.NOT_ON_WHATSAPP].id: (NotSent.NOT_ON_WHATSAPP, None),
        people[NotSent.INVALID_PHONE].id: (NotSent.INVALID_PHONE, None),
        people[NotSent.OPEN_CASE].id: (NotSent.OPEN_CASE, None),
        redacted.id: (NotSent.NOT_SUBSCRIBED, "redacted"),
    }
    assert recheck(session, world.campaign, [], NOW) == {}


def test_the_recheck_finds_people_who_were_suppressed_for_good(world: World) -> None:
    one, two = world.contact(), world.contact()
    world.session.add(Suppression(person_hash=f"hash of {one.person_key}", reason="redacted", created_at=NOW))
    found = recheck(world.session, world.campaign, [one.id, two.id], NOW, lambda key: f"hash of {key}")
    assert found == {one.id: (NotSent.NOT_SUBSCRIBED, "suppressed")}


def test_a_person_in_this_very_campaign_is_not_engaged_elsewhere(world: World, session: Session) -> None:
    contact = world.contact()
    session.add(
        Engagement(person_key=contact.person_key, campaign_id=world.campaign.id, contact_id=contact.id, created_at=NOW)
    )
    session.flush()
    assert world.launched()[contact.id].reason is None
