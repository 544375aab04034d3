"""Opt-outs that the shop is told."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from admin.operations.shop import shop_status
from jobs.shop import opt_outs
from models.clock import utcnow
from models.contacts.consent import opt_in, opt_out
from models.contacts.merge import merge_contacts
from models.privacy.data_export import export_person
from models.privacy.redact import redact_person
from models.shop import daily_look as looks
from models.tables.contact import Consent
from models.tables.shop import ShopLook, ShopOptOut
from tests.support.factories.contacts import ALICE_PHONE, alice, make_contact
from tests.support.shop_asking import ID, STOP_AT, Rig
from tests.support.shop_rig import AT, SHOP, customer, later


def test_an_opt_out_is_told_to_the_shop_once_with_its_time(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", AT))
    rig.stops()
    assert rig.writes() == 1
    assert rig.server.consent_of(ID) == ("UNSUBSCRIBED", "2026-11-20T11:00:00Z")
    assert rig.opt_outs() == {ID: "written"}
    assert rig.writes() == 0
    assert rig.server.operations().count("Unsubscribe") == 1


def test_an_opt_out_that_was_written_and_not_recorded_is_found_written(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", AT))
    rig.stops()
    rig.writes()
    with rig.rt.database.write() as session:  # what a process leaves that dies before it records
        session.execute(update(ShopOptOut).values(state="pending"))
    rig.writes()
    assert rig.opt_outs() == {ID: "already_there"}
    assert rig.server.operations().count("Unsubscribe") == 1


def test_an_opt_out_is_not_undone_by_what_the_shop_said_before(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, STOP_AT + timedelta(hours=1), whatsapp=("SUBSCRIBED", AT), level="CONFIRMED_OPT_IN")
    person_id = rig.stops()
    rig.server.scopes = {"read_customers"}
    assert rig.writes() == 0
    rig.shop.tells("customers/update", customer(updated_at=later(2)))
    rig.reads()
    with rig.rt.database.write() as session:
        looks.begin_look(session, SHOP, utcnow())
        session.execute(update(ShopLook).values(since=AT))
    assert rig.looks() == 1
    assert rig.person().consent is Consent.UNSUBSCRIBED
    rig.server.scopes |= {"write_customers"}
    rig.comes_due()
    rig.writes()
    assert rig.server.consent_of(ID)[0] == "UNSUBSCRIBED"
    with rig.rt.database.read() as session:
        assert export_person(session, person_id)["opt_outs_told_to_the_shop"][0]["state"] == "written"


def test_a_token_that_may_not_write_leaves_the_opt_out_waiting_with_the_reason(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", AT))
    rig.server.scopes = {"read_customers"}
    rig.stops()
    rig.writes()
    assert rig.opt_outs() == {ID: "pending"}
    assert "write_customers" in rig.problem()
    assert shop_status(rig.rt)["opt_outs_wait_because"] == (
        f"{SHOP}: the token may not do that; it needs the scopes read_customers and write_customers"
    )
    count = len(rig.server.documents)
    rig.writes()
    assert len(rig.server.documents) == count, "it waits an hour"


def test_who_subscribed_in_the_shop_after_their_stop_keeps_that_there_and_stays_out_here(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", STOP_AT + timedelta(hours=1)))
    rig.stops()
    rig.writes()
    rig.shop.tells("customers/update", customer())
    rig.reads()
    assert (rig.opt_outs(), rig.server.consent_of(ID)[0]) == ({ID: "newer_in_shop"}, "SUBSCRIBED")
    assert rig.person().consent is Consent.UNSUBSCRIBED


def test_an_opt_out_that_the_shop_still_contradicts_is_written_again(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", AT))
    rig.stops()
    rig.writes()
    rig.server.put(ID, ALICE_PHONE, STOP_AT, whatsapp=("SUBSCRIBED", AT))
    rig.shop.tells("customers/update", customer(updated_at=later(1)))
    rig.reads()
    rig.writes()
    assert (rig.opt_outs(), rig.server.consent_of(ID)[0]) == ({ID: "written"}, "UNSUBSCRIBED")


def test_who_came_back_before_it_was_written_is_not_written_and_a_second_stop_is(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", AT))
    person_id = rig.stops()
    opt_outs.collect_opt_outs(rig.rt)
    with rig.rt.database.write() as session:
        opt_in(session, person_id, STOP_AT + timedelta(hours=1), "whatsapp start word")
    assert (rig.writes(), rig.opt_outs()) == (0, {})
    with rig.rt.database.write() as session:
        opt_out(session, person_id, STOP_AT + timedelta(hours=2), "whatsapp stop word")
    assert (rig.writes(), rig.opt_outs()) == (1, {ID: "written"})
    assert rig.server.consent_of(ID) == ("UNSUBSCRIBED", "2026-11-20T13:00:00Z")


def test_every_customer_who_became_one_person_is_told(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", AT))
    rig.server.put("2", "+34600000078", AT, whatsapp=("SUBSCRIBED", AT))
    with rig.rt.database.write() as session:
        person = alice(session, shopify_id=ID, consent_at=AT)
        twin = make_contact(session, "+34600000078", shopify_id="2")
        merge_contacts(session, person.id, twin.id, AT)
        opt_out(session, person.id, STOP_AT, "whatsapp stop word")
    rig.writes()
    assert rig.opt_outs() == {ID: "written", "2": "written"}
    assert {rig.server.consent_of(key)[0] for key in (ID, "2")} == {"UNSUBSCRIBED"}


@pytest.mark.parametrize(
    ("phone", "refuses", "state"),
    [(None, None, "no_phone"), ("+34600000079", None, "no_phone"), (ALICE_PHONE, "INVALID", "refused")],
)
def test_an_opt_out_that_the_shop_cannot_take_says_why_and_stops_no_other(
    rig: Rig, phone: str | None, refuses: str | None, state: str
) -> None:
    rig.server.put(ID, phone, AT)
    rig.server.refuses = refuses
    rig.stops()
    with rig.rt.database.write() as session:
        twin = make_contact(session, "+34600000078", shopify_id="nonsense", consent_at=AT)
        gone = make_contact(session, "+34600000080", shopify_id="404", consent_at=AT)
        for person in (twin, gone):
            opt_out(session, person.id, STOP_AT, "whatsapp stop word")
    rig.writes()
    assert rig.opt_outs() == {ID: state, "nonsense": "pending", "404": "no_customer"}


def test_a_person_who_is_redacted_leaves_no_opt_out_behind(rig: Rig) -> None:
    person_id = rig.stops()
    opt_outs.collect_opt_outs(rig.rt)
    with rig.rt.database.write() as session:
        redact_person(session, person_id, rig.rt.vault, utcnow(), "admin")
    assert (rig.writes(), rig.opt_outs()) == (0, {})
