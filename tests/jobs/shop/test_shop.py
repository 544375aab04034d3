"""Asking a shop and telling it: customers after their webhooks, opt-outs, the daily look. Over real HTTP, on both databases."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select, update

from bot.shopify.access import StayingToken
from bot.shopify.client import ShopClient
from jobs.core.runtime import Runtime, use_runtime
from jobs.shop import customers, daily_look, opt_outs
from jobs.shop.client import open_client
from models.clock import utcnow
from models.contacts.consent import opt_in, opt_out
from models.contacts.merge import merge_contacts
from models.privacy.data_export import export_person
from models.privacy.redact import redact_person
from models.shop import daily_look as looks
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.shop import ShopCustomerRead, ShopLook, ShopOptOut
from models.tables.tag import ContactTag, Tag
from tests.support.factories import ALICE_PHONE, alice, make_contact
from tests.support.shop_rig import AT, SHOP, Shop, customer, later, open_shop
from tests.support.shop_server import TOKEN, VERSION, SimulatedShop, simulated_shop

ID = "706405506930370084"
STOP_AT = AT + timedelta(hours=1)


class Rig:
    """An installation that may ask a shop."""

    def __init__(self, shop: Shop, server: SimulatedShop) -> None:
        self.shop = shop
        self.server = server
        self.rt: Runtime = shop.rt

    def client(self, token: str = TOKEN) -> ShopClient:
        return ShopClient(
            SHOP,
            VERSION,
            StayingToken(token),
            base_url=self.server.url,
            sleep=self.server.sleep,
            clock=self.server.clock,
        )

    def reads(self) -> int:
        with self.client() as client:
            return customers.read_requested(self.rt, client, time.monotonic() + 30)

    def writes(self) -> int:
        opt_outs.collect_opt_outs(self.rt)
        with self.client() as client:
            return opt_outs.write_due_opt_outs(self.rt, client, time.monotonic() + 30)

    def looks(self) -> int:
        with self.client() as client:
            return daily_look.continue_look(self.rt, client, time.monotonic() + 30)

    def person(self, phone: str = ALICE_PHONE) -> Contact:
        with self.rt.database.read() as session:
            return session.scalars(select(Contact).where(Contact.phone == phone)).one()

    def stops(self, *, hours: float = 1, shopify_id: str | None = ID) -> int:
        """alice is a customer, and says STOP."""
        with self.rt.database.write() as session:
            person_id = alice(session, shopify_id=shopify_id, consent_at=AT).id
            opt_out(session, person_id, AT + timedelta(hours=hours), "whatsapp stop word")
        return person_id

    def opt_outs(self) -> dict[str, str]:
        with self.rt.database.read() as session:
            return {row.customer_id: row.state.value for row in session.scalars(select(ShopOptOut))}

    def problem(self) -> str:
        with self.rt.database.read() as session:
            return session.scalars(select(ShopOptOut.detail)).one()

    def comes_due(self) -> None:
        """Whatever waits has waited long enough."""
        with self.rt.database.write() as session:
            for table in (ShopOptOut, ShopCustomerRead, ShopLook):
                session.execute(update(table).values(next_try_at=utcnow() - timedelta(seconds=1)))

    def waiting_reads(self) -> list[str]:
        with self.rt.database.read() as session:
            return list(session.scalars(select(ShopCustomerRead.customer_id)))

    def look(self) -> ShopLook:
        with self.rt.database.read() as session:
            return session.get_one(ShopLook, SHOP)


@pytest.fixture
def rig(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Rig]:
    settings = {"shopify_shop": SHOP, "shopify_token": TOKEN}
    with open_shop(database_url, redis_url, tmp_path, **settings) as shop, simulated_shop() as server:
        yield Rig(shop, server)


def test_a_webhook_without_consent_has_the_customer_read(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT + timedelta(minutes=1), tags=["vip"], whatsapp=("SUBSCRIBED", AT))
    rig.shop.tells("customers/update", customer(tags=None))
    assert rig.person().consent is Consent.UNKNOWN
    assert (rig.reads(), rig.waiting_reads()) == (1, [])
    assert (rig.person().consent, rig.person().consent_at) == (Consent.SUBSCRIBED, AT)
    with rig.rt.database.read() as session:
        event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc()).limit(1)).one()
        tags = set(session.scalars(select(Tag.name).join(ContactTag)))
    assert (event.source, event.proof) == ("shopify whatsapp shopify", f"{SHOP} customer {ID}")
    assert tags == {"shopify", "vip"}


def test_consent_taken_back_in_the_shop_is_taken_back_here_and_an_older_word_changes_nothing(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("UNSUBSCRIBED", AT - timedelta(days=1)))
    with rig.rt.database.write() as session:
        alice(session, consent_at=AT)
    rig.shop.tells("customers/update", customer())
    rig.reads()
    assert rig.person().consent is Consent.SUBSCRIBED
    rig.server.put(ID, ALICE_PHONE, STOP_AT, whatsapp=("UNSUBSCRIBED", STOP_AT))
    rig.shop.tells("customers/update", customer(updated_at=later(1)))
    rig.reads()
    assert rig.person().consent is Consent.UNSUBSCRIBED
    rig.writes()
    assert (rig.opt_outs(), "Unsubscribe" in rig.server.operations()) == ({ID: "from_shop"}, False)


def test_the_shops_word_on_whatsapp_goes_before_that_on_text_messages_whichever_is_newer(rig: Rig) -> None:
    rig.shop.lets_sms_count()
    sms = {"state": "subscribed", "consent_updated_at": later(5), "consent_collected_from": "web"}
    rig.shop.tells("customers/update", customer(sms_marketing_consent=sms))
    assert rig.person().consent is Consent.SUBSCRIBED
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("UNSUBSCRIBED", AT))
    rig.reads()
    assert rig.person().consent is Consent.UNSUBSCRIBED
    rig.server.put("2", "+34600000078", AT, whatsapp=("SUBSCRIBED", AT))
    rig.shop.tells("customers/update", customer(id=2, phone="+34600000078"))
    rig.reads()
    sms |= {"state": "unsubscribed"}
    rig.shop.tells("customers/update", customer(id=2, phone="+34600000078", sms_marketing_consent=sms))
    assert rig.person("+34600000078").consent is Consent.SUBSCRIBED


def test_what_the_shop_never_asked_lowers_nobody(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("NEVER_SUBSCRIBED", None))
    with rig.rt.database.write() as session:
        alice(session, consent_at=AT)
    rig.shop.tells("customers/update", customer())
    rig.reads()
    assert rig.person().consent is Consent.SUBSCRIBED


def test_a_shop_that_is_away_is_asked_again_later_and_a_later_request_is_not_lost(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", AT))
    rig.shop.tells("customers/update", customer())
    rig.server.answers = [lambda: (500, {})]
    assert rig.reads() == 0
    assert rig.reads() == 0, "it waits"
    rig.comes_due()

    def meanwhile() -> tuple[int, dict[str, object]]:
        rig.shop.tells("customers/update", customer(updated_at=later(1)))
        return 200, {"data": {"c0": None}}

    rig.server.answers = [meanwhile]
    assert (rig.reads(), rig.waiting_reads()) == (2, []), "the reading before the request did not settle it"
    assert rig.person().consent is Consent.SUBSCRIBED


def test_a_reading_that_fails_for_long_is_given_up(rig: Rig) -> None:
    rig.shop.tells("customers/update", customer())
    rig.server.tokens = set()
    for _ in range(10):
        rig.comes_due()
        rig.reads()
    assert rig.waiting_reads() == []


def test_a_customer_read_without_a_phone_is_listed_and_one_with_a_phone_leaves_the_list(rig: Rig) -> None:
    rig.server.put(ID, None, AT)
    rig.shop.tells("customers/update", {"id": int(ID), "updated_at": later(0)})
    rig.reads()
    assert rig.shop.without_phone() == [(ID, "no_phone")]
    rig.server.put(ID, ALICE_PHONE, STOP_AT)
    rig.shop.tells("customers/update", {"id": int(ID), "updated_at": later(1)})
    rig.reads()
    assert (rig.shop.without_phone(), rig.person().shopify_id) == ([], ID)


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


def test_the_first_look_is_about_the_last_day_and_the_next_one_a_day_later(rig: Rig) -> None:
    now = utcnow()
    rig.server.put("1", "+34600000071", now - timedelta(days=3))
    rig.server.put("2", "+34600000072", now - timedelta(hours=3), whatsapp=("SUBSCRIBED", now - timedelta(hours=3)))
    assert rig.looks() == 1
    assert rig.person("+34600000072").consent is Consent.SUBSCRIBED
    assert (rig.look().customers, rig.look().finished_at is not None, rig.looks()) == (1, True, 0)
    with rig.rt.database.write() as session:
        session.execute(update(ShopLook).values(started_at=now - timedelta(hours=25)))
    rig.server.put("3", "+34600000073", now - timedelta(hours=25))
    assert rig.looks() == 2, "the windows overlap"
    assert {person.shopify_id for person in rig.shop.contacts()} == {"2", "3"}


def test_a_look_that_was_stopped_goes_on_where_it_was(rig: Rig) -> None:
    now = utcnow()
    rig.server.largest_page = 2
    for key in range(5):
        rig.server.put(str(key), f"+3460000007{key}", now - timedelta(hours=5 - key))
    with rig.client("wrong") as client:
        assert daily_look.continue_look(rig.rt, client, time.monotonic() + 30) == 0
    assert "token may not" in rig.look().error
    rig.comes_due()
    with rig.client() as client:
        assert daily_look.continue_look(rig.rt, client, 0.0) == 0, "there was no time"
        page = client.changed_customers(rig.look().since, None)
    with rig.rt.database.write() as session:
        look = session.get_one(ShopLook, SHOP)
        assert looks.advance_look(session, look, 2, page.customers[-1].changed_at, page.end_cursor, now)
    with rig.rt.database.write() as session:
        assert not looks.advance_look(session, look, 2, None, "cursor-9", now), "another worker was there before"
    assert rig.looks() == 3, "the first page is not read again"
    assert (rig.look().customers, rig.look().error, rig.look().finished_at is not None) == (5, "", True)


def test_a_place_that_the_shop_does_not_know_any_more_is_left_for_the_time_that_was_reached(rig: Rig) -> None:
    now = utcnow()
    with rig.rt.database.write() as session:
        looks.begin_look(session, SHOP, now)
        session.execute(update(ShopLook).values(cursor="old", reached_at=now - timedelta(hours=1)))
    rig.server.put("1", "+34600000071", now - timedelta(hours=2))
    rig.server.put("2", "+34600000072", now - timedelta(minutes=2))
    assert rig.looks() == 0
    rig.comes_due()
    assert rig.looks() == 1
    assert [person.shopify_id for person in rig.shop.contacts()] == ["2"]


def test_a_look_at_more_than_a_shop_pages_begins_a_new_window(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "WINDOW", 2)
    rig.server.largest_page = 1
    now = utcnow().replace(microsecond=0)
    for key in range(5):
        rig.server.put(str(key), f"+3460000007{key}", now - timedelta(hours=5 - key))
    rig.looks()
    assert {person.shopify_id for person in rig.shop.contacts()} == {"0", "1", "2", "3", "4"}
    assert rig.look().finished_at is not None
    assert len({str(variables["query"]) for _, variables in rig.server.documents}) > 2


def test_the_jobs_ask_the_shop_that_the_settings_name(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (customers, opt_outs, daily_look):
        monkeypatch.setattr(module, "open_client", lambda _rt: rig.client())
    rig.server.put(ID, ALICE_PHONE, utcnow(), whatsapp=("SUBSCRIBED", AT))
    assert not customers.wake_shop_reads(rig.rt, utcnow())
    rig.shop.tells("customers/update", customer())
    assert customers.wake_shop_reads(rig.rt, utcnow())
    assert opt_outs.wake_opt_outs(rig.rt, utcnow())
    assert daily_look.wake_look(rig.rt, utcnow())
    with use_runtime(rig.rt):
        customers.read_shop_customers()
        daily_look.look_at_shop()
        with rig.rt.database.write() as session:
            opt_out(session, rig.person().id, utcnow(), "whatsapp stop word")
        opt_outs.write_shop_opt_outs()
    assert not daily_look.wake_look(rig.rt, utcnow())
    assert (rig.waiting_reads(), rig.opt_outs(), rig.look().customers) == ([], {ID: "written"}, 1)
    with open_client(rig.rt) as client:
        assert client.url == f"https://{SHOP}"


def test_without_a_token_no_shop_is_asked(sqlite_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    with open_shop(sqlite_url, redis_url, tmp_path, shopify_shop=SHOP) as shop, use_runtime(shop.rt):
        now = utcnow()
        assert not any(
            wake(shop.rt, now) for wake in (customers.wake_shop_reads, opt_outs.wake_opt_outs, daily_look.wake_look)
        )
        for job in (customers.read_shop_customers, opt_outs.write_shop_opt_outs, daily_look.look_at_shop):
            job()
