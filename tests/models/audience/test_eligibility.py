"""The waterfall: each candidate under its first reason, alike in the estimate and the launch."""

import os
from itertools import combinations
from typing import Any

import pytest

from models.audience import reach
from models.audience.eligibility import MARKETING
from models.audience.reach import estimate_reach
from models.audience.recheck import recheck
from models.db.engine import Database
from models.stored_texts import MISSING_ATTRIBUTE
from models.tables.campaign import Campaign
from models.tables.contact import Consent, ContactIdentity
from models.tables.recipient import NotSent, RecipientState
from models.tables.setting import write_setting
from tests.support.factories.campaigns import make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import join_list, make_contact
from tests.support.factories.conversations import make_case
from tests.support.flawed_people import FLAWS, World


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


@pytest.mark.race
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
    join_list(world.session, world.blocked, make_contact(world.session, "+551187650001"))
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
        twin = make_contact(world.session, f"+55118765000{number}", **flaw)
        if reason is NotSent.OPEN_CASE:
            make_case(world.session, twin)
        reasons[wanted.id] = reason
    contacts = list(reasons)
    assert {
        key: found[0] for key, found in recheck(world.session, world.campaign, MARKETING, contacts, NOW).items()
    } == {key: reason for key, reason in reasons.items() if reason}
    assert {key: row.reason for key, row in world.launched().items()} == reasons


def test_what_a_merged_record_said_no_longer_counts(world: World) -> None:
    wanted = world.contact(phone="+5511987650001")
    make_contact(world.session, "+551187650001", consent=Consent.UNSUBSCRIBED, merged_into_id=wanted.id)
    assert world.launched()[wanted.id].reason is None


def test_a_person_known_by_an_identity_of_the_portfolio_alone_can_be_written_to(world: World) -> None:
    ours, theirs = world.contact(has_identity=True), world.contact(has_identity=True)
    portfolios = {
        ours.id: world.number.waba.portfolio_id,
        theirs.id: make_number(world.session).waba.portfolio_id,
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
    make_recipient(world.session, world.past, unsure, state=RecipientState.UNSURE, claimed_at=NOW)
    rows = world.launched()
    assert [rows[contact.id].reason for contact in (old, failed, unsure)] == [None, None, NotSent.FREQUENCY_CAP]


def test_the_cap_counts_what_any_record_of_the_person_had(world: World) -> None:
    first = world.contact()
    second = make_contact(world.session, person_key=first.person_key, phone=None, wa_id="34699999999")
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
    assert details == ["pending", MISSING_ATTRIBUTE(name="email").stored(), "Spring"]


def test_who_has_no_phone_is_left_out_of_a_template_with_a_maximum_price(world: World) -> None:
    known_by_id, capped = world.contact(has_identity=True), world.contact(NotSent.FREQUENCY_CAP)
    portfolio_id = world.number.waba.portfolio_id
    world.session.add(
        ContactIdentity(contact_id=known_by_id.id, portfolio_id=portfolio_id, bsuid="ES.1", created_at=NOW)
    )
    with_phone = world.contact(phone="+5511987650001")
    world.template.optimization_spec = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}
    world.session.flush()
    assert estimate_reach(world.session, world.campaign, NOW).not_sent == {
        "frequency_cap": 1,
        "no_phone_for_max_price": 1,
    }
    rows = world.launched()
    assert [rows[contact.id].reason for contact in (known_by_id, capped, with_phone)] == [
        NotSent.NO_PHONE_FOR_MAX_PRICE, NotSent.FREQUENCY_CAP, None,
    ]  # fmt: skip
