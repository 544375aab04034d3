"""Customers of a shop without a phone: the page, the command, what Home says of opt-outs that wait."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from models.clock import utcnow
from models.shop.daily_look import begin_look, postpone_look
from models.shop.without_phone import WithoutPhone, keep_without_phone
from models.tables.shop import OptOutState, PhoneReason, ShopOptOut
from models.tables.user import Role
from tests.support.cli_app import Shell, open_shell
from tests.support.panel_app import Panel, open_panel

SHOP = "acme.myshopify.com"
ASKED = {"shopify_shop": SHOP, "shopify_token": "shpat_1"}


def furnish(asked_shell: Shell, count: int = 2) -> None:
    now = utcnow()
    reasons = (PhoneReason.NO_PHONE, PhoneReason.NOT_A_NUMBER)
    with asked_shell.rt.database.write() as session:
        for key in range(count):
            reason = reasons[key % 2]
            raw = "<call me>" if reason is PhoneReason.NOT_A_NUMBER else ""
            keep_without_phone(session, WithoutPhone(SHOP, str(key), f"Ana {key}", None, raw, reason, now), now)


def furnish_trouble(asked_shell: Shell) -> None:
    now = utcnow()
    with asked_shell.rt.database.write() as session:
        look = begin_look(session, SHOP, now)
        assert look is not None
        assert postpone_look(session, look, now, timedelta(hours=1), "the token may not do that")
        for key, state, detail in (("1", OptOutState.PENDING, "no right to write"), ("2", OptOutState.WRITTEN, "")):
            row = ShopOptOut(
                customer_id=key, opted_out_at=now, state=state, next_try_at=now, detail=detail, updated_at=now
            )
            session.add(row)


@pytest.fixture
def asked_panel(tmp_path: Path, sqlite_url: str, redis_url: str, redis: Redis) -> Iterator[Panel]:
    with open_panel(tmp_path, sqlite_url, redis_url, **ASKED) as opened:
        yield opened


@pytest.fixture
def asked_shell(tmp_path: Path, database_url: str, redis: Redis, redis_url: str) -> Iterator[Shell]:
    with open_shell(tmp_path, database_url, redis_url, **ASKED) as opened:
        yield opened


def test_the_page_lists_each_with_the_reason_and_pages_through_them(asked_panel: Panel) -> None:
    viewer = asked_panel.of(Role.VIEWER)
    assert "has a usable phone" in viewer.get("/shop-customers/")
    furnish(asked_panel.shell, 60)
    first = viewer.get("/shop-customers/")
    assert "&lt;call me&gt;" in first
    assert "No phone in the shop" in first
    assert ("Ana 49<" in first, "Ana 50<" in first) == (True, False)
    assert "Ana 50<" in viewer.get("/shop-customers/?after=50")
    only = viewer.get("/shop-customers/?reason=not_a_number")
    assert ("Ana 1<" in only, "Ana 2<" in only) == (True, False)
    viewer.get("/shop-customers/?reason=nonsense", 404)


def test_it_stands_in_the_menu_where_there_is_a_shop(asked_panel: Panel) -> None:
    assert "/admin/shop-customers/" in asked_panel.of(Role.VIEWER).get("/")


def test_without_a_shop_it_is_not_in_the_menu(tmp_path: Path, sqlite_url: str, redis_url: str, redis: Redis) -> None:
    with open_panel(tmp_path, sqlite_url, redis_url) as opened:
        assert "/admin/shop-customers/" not in opened.of(Role.VIEWER).get("/")


def test_what_waits_to_be_written_to_the_shop_is_said_with_the_reason(asked_panel: Panel) -> None:
    furnish_trouble(asked_panel.shell)
    viewer = asked_panel.of(Role.VIEWER)
    shown = viewer.get("/shop-customers/")
    assert "no right to write" in shown
    assert "the token may not do that" in shown
    assert "1 written to the shop" in shown
    assert "1 opt-out could not be written to the shop" in viewer.get("/")


def test_the_command_lists_them_as_a_table_and_as_json(asked_shell: Shell) -> None:
    furnish(asked_shell)
    lines = asked_shell.ok("shop", "customers", "--without-phone").splitlines()
    assert lines[0].split() == ["customer_id", "name", "email", "raw_phone", "reason", "seen_at"]
    assert [line.split()[0] for line in lines[1:]] == ["0", "1"]
    [found] = asked_shell.data("shop", "customers", "--without-phone", "--reason", "not_a_number", "--json")
    assert (found["customer_id"], found["raw_phone"], found["shop"]) == ("1", "<call me>", SHOP)
    assert "--without-phone" in asked_shell.refused("shop", "customers", code=2)


def test_the_status_says_what_is_asked_and_what_waits(asked_shell: Shell) -> None:
    assert "last look: none yet" in asked_shell.ok("shop", "status")
    furnish(asked_shell)
    furnish_trouble(asked_shell)
    said = asked_shell.ok("shop", "status")
    assert "opt-outs: 1 pending, 1 written" in said
    assert "opt-outs wait: no right to write" in said
    assert "not finished, 0 customers; the token may not do that" in said
    found = json.loads(asked_shell.ok("shop", "status", "--json"))
    assert (found["is_asked"], found["without_phone"]) == (True, {"no_phone": 1, "not_a_number": 1})
