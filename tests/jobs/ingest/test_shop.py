"""News of a shop, taken by a worker."""

import pytest

from bot.webhooks.stream import EventStream
from jobs.ingest.replay import replay_letters
from jobs.ingest.shop import wake_shop
from models.clock import utcnow
from tests.support.shop_rig import Shop, customer


def test_the_schedule_wakes_a_worker_only_while_something_waits(shop: Shop) -> None:
    assert not wake_shop(shop.rt, utcnow())
    shop.says("customers/create", customer())
    assert wake_shop(shop.rt, utcnow())
    shop.work()
    assert not wake_shop(shop.rt, utcnow())


def test_other_topics_are_passed_over_and_nonsense_is_put_aside_for_a_replay(shop: Shop) -> None:
    shop.tells("products/create", {"id": 1})
    assert shop.letters() == 0
    for topic, body in (("customers/create", b"no json"), ("customers/create", b"[]"), ("orders/create", {"id": 5})):
        shop.tells(topic, body)
    assert shop.letters() == 3
    assert replay_letters(shop.rt) == (0, 3, 0)
    shop.tells("customers/create", customer())
    assert len(shop.contacts()) == 1


def test_what_a_dead_worker_held_is_applied_by_the_next(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.says("customers/create", customer())
    stream = EventStream(shop.rt.redis, key="hark:shop-events")
    stream.make_group()
    assert len(stream.read("dead", 10)) == 1
    monkeypatch.setattr("bot.webhooks.stream.EventStream.take_over.__defaults__", (0,))
    shop.work()
    assert len(shop.contacts()) == 1
    assert stream.backlog().events == 0
