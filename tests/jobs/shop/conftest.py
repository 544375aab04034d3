"""The installation that asks a shop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.shop_asking import Rig
from tests.support.shop_rig import SHOP, open_shop
from tests.support.shop_server import TOKEN, simulated_shop


@pytest.fixture
def rig(database_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Rig]:
    settings = {"shopify_shop": SHOP, "shopify_token": TOKEN}
    with open_shop(database_url, redis_url, tmp_path, **settings) as shop, simulated_shop() as server:
        yield Rig(shop, server)
