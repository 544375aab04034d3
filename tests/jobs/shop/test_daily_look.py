"""The daily look at every changed customer of the shop."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import update

from jobs.core.runtime import use_runtime
from jobs.shop import customers, daily_look, opt_outs
from jobs.shop.client import open_client
from models.clock import utcnow
from models.contacts.consent import opt_out
from models.shop import daily_look as looks
from models.tables.contact import Consent
from models.tables.shop import ShopLook
from tests.support.factories.contacts import ALICE_PHONE
from tests.support.shop_asking import ID, Rig
from tests.support.shop_rig import AT, SHOP, customer, open_shop


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
