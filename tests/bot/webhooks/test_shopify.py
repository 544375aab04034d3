"""Webhooks of a shop: who may post them."""

from pathlib import Path
from typing import Any

from redis import Redis
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from bot.webhooks.shopify import PATH, ShopEndpoint, sign_shop_body
from bot.webhooks.stream import EventStream
from bot.webhooks.whatsapp import MAX_BYTES
from models.config import Settings
from models.crypto import new_encryption_key
from tests.support.shop_rig import SECRET, Shop, customer
from wsgi import create_app


def test_who_signs_with_any_of_the_secrets_enters_and_nobody_else(
    sqlite_url: str, redis: Redis, redis_url: str
) -> None:
    stream = EventStream(redis, bound=2, key="k")
    door = ShopEndpoint([SECRET, "the-former"], stream)

    def ask(door: ShopEndpoint, signature: str | None, raw: bytes = b"{}", **environ: Any) -> int:
        headers = [("X-Shopify-Hmac-Sha256", signature)] if signature is not None else []
        built = EnvironBuilder(path=PATH, method="POST", headers=headers, data=raw).get_environ()
        return door.answer(dict(built) | environ).status

    assert ask(door, sign_shop_body(SECRET, b"{}")) == 200
    assert ask(door, sign_shop_body("the-former", b"{}")) == 200
    assert ask(door, sign_shop_body(SECRET, b"{}")) == 503, "the stream is at its bound"
    for wrong in (
        None,
        "",
        "é",
        "x" * 44,
        sign_shop_body("other", b"{}"),
        sign_shop_body(SECRET, b"{ }"),
        sign_shop_body(SECRET, b"{}").lower(),
    ):
        assert ask(door, wrong) == 401
    assert ask(ShopEndpoint([], stream), sign_shop_body("", b"{}")) == 401
    assert ask(door, sign_shop_body(SECRET, b""), CONTENT_LENGTH=str(MAX_BYTES + 1)) == 413
    assert ask(door, sign_shop_body(SECRET, b""), CONTENT_LENGTH="-1") == 400
    assert stream.backlog().events == 2


def test_the_door_is_open_to_posts_alone(shop: Shop) -> None:
    assert shop.says("customers/create", customer(), secret="the-former") == 200
    assert shop.says("customers/create", customer(), secret="wrong") == 401
    status = run_wsgi_app(shop.client.application, EnvironBuilder(path=PATH, method="GET").get_environ())[1]
    assert status.startswith("405")


def test_without_redis_the_shop_is_told_to_send_it_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"
    keys = {"secret_key": "k" * 32, "encryption_keys": (new_encryption_key(),)}
    settings = Settings(url, "redis://127.0.0.1:1/0", tmp_path, shopify_secrets=(SECRET,), **keys)  # type: ignore[arg-type]
    headers = {"X-Shopify-Hmac-Sha256": sign_shop_body(SECRET, b"{}")}
    assert Client(create_app(settings)).post(PATH, data=b"{}", headers=headers).status_code == 503
