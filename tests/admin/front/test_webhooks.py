"""Webhooks at the front server, over real connections."""

import socket
import time
from pathlib import Path

import pytest
from redis import Redis

from admin.front.limits import FrontLimits
from bot.webhooks.shopify import KEY as SHOP_KEY
from bot.webhooks.shopify import sign_shop_body
from bot.webhooks.stream import KEY, EventStream
from bot.webhooks.whatsapp import MAX_BYTES
from models.config import Settings
from tests.support.front_rig import (
    EVENT,
    SECRET,
    Front,
    event_request,
    front_settings,
    get,
    is_closed_within,
    read_all,
    running_front,
    status_of,
)

SLOW_BODY = event_request()[:-10]
LARGE = b"x" * 300_000


def entries(redis: Redis, key: str = KEY) -> list[bytes]:
    stream = EventStream(redis, key=key)
    stream.make_group()
    return [entry.raw for entry in stream.read("c", 1_000)]


def test_a_signed_event_is_kept_as_it_is(front: Front, redis: Redis) -> None:
    assert [front.post_event(), front.post_event(b"no JSON \xff\x00"), front.post_event(LARGE)] == [200] * 3
    assert entries(redis) == [EVENT, b"no JSON \xff\x00", LARGE]


def test_the_answers_are_those_of_the_endpoint(front: Front, redis: Redis) -> None:
    for request, status in (
        (event_request(secret="another"), 401),
        (get("/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=%3Cb%3E"), 200),
        (get("/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1"), 403),
        (get("/webhooks/whatsapp").replace(b"GET", b"PUT"), 405),
        (get("/webhooks/shopify"), 405),
        (get("/webhooks/other"), 404),
        (event_request().replace(b"/whatsapp", b"/%77hatsapp"), 200),
        (b"NO HTTP\r\n\r\n", 400),
    ):
        assert status_of(front.ask(request)) == status, request
    assert front.ask(
        get("/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=%3Cb%3E")
    ).endswith(b"\r\n\r\n<b>")
    assert entries(redis) == [EVENT]


def test_a_shops_event_keeps_its_headers(directory: Path, redis: Redis, redis_url: str) -> None:
    signature = sign_shop_body("shop-secret", b"{}")
    head = f"POST /webhooks/shopify HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Shopify-Hmac-Sha256: {signature}\r\n"
    request = f"{head}X-Shopify-Topic: orders/paid\r\nX-Shopify-Webhook-Id: 7\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    with running_front(front_settings(directory, redis_url, shopify_secrets=("shop-secret",))) as front:
        assert status_of(front.ask(request)) == 200
        assert status_of(front.ask(request.replace(b"\r\n\r\n{}", b"\r\n\r\n[]"))) == 401
    (entry,) = entries(redis, SHOP_KEY)
    assert b'"topic": "orders/paid", "shop": "", "id": "7"' in entry
    assert entry.endswith(b"\n{}")


def test_many_events_over_one_connection_are_answered_in_order(front: Front, redis: Redis) -> None:
    bodies = [b"%d" % number for number in range(50)]
    requests = [event_request(body, "wrong" if body == b"7" else SECRET, close=body == b"49") for body in bodies]
    answer = front.ask(b"".join(requests))
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [401 if body == b"7" else 200 for body in bodies]
    assert entries(redis) == [body for body in bodies if body != b"7"]


def test_a_chunked_body_is_taken_and_a_malformed_one_is_not(settings_of_front: Settings, redis: Redis) -> None:
    length = b"Content-Length: %d" % len(EVENT)
    head = event_request().partition(b"\r\n\r\n")[0].replace(length, b"Transfer-Encoding: chunked") + b"\r\n\r\n"
    with running_front(settings_of_front, FrontLimits(webhook_seconds=1, stop_seconds=0.5)) as front:
        assert status_of(front.ask(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENT), EVENT))) == 200
        with front.connect() as client:
            client.sendall(head)
            time.sleep(0.1)
            client.sendall(b"zz\r\n")
            assert status_of(read_all(client)) in {400, 408}
        both = head.replace(b"Transfer-Encoding", length + b"\r\nTransfer-Encoding")
        assert status_of(front.ask(both + b"0\r\n\r\n")) == 400
    assert entries(redis) == [EVENT]


def test_an_oversized_body_is_refused_before_and_while_it_is_read(front: Front, redis: Redis) -> None:
    head, _, _ = event_request().partition(b"\r\n\r\n")
    declared = head.replace(b"Content-Length: %d" % len(EVENT), b"Content-Length: %d" % (MAX_BYTES + 1))
    with front.connect() as client:
        client.sendall(declared + b"\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 413")
    chunked = head.replace(b"Content-Length: %d" % len(EVENT), b"Transfer-Encoding: chunked")
    with front.connect() as client:
        client.sendall(chunked + b"\r\n\r\n")
        try:
            for _ in range(60):
                client.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        except ConnectionError:
            pass
        assert client.recv(4096).startswith(b"HTTP/1.1 413")
    assert entries(redis) == []


def test_a_client_that_waits_to_be_told_so_sends_its_body(front: Front, redis: Redis) -> None:
    head, _, body = event_request().partition(b"\r\n\r\n")
    with front.connect() as client:
        client.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert status_of(read_all(client)) == 200
    assert entries(redis) == [EVENT]


def test_slow_bodies_and_heads_end_and_hold_up_nobody(settings_of_front: Settings) -> None:
    limits = FrontLimits(head_seconds=1, webhook_seconds=1, stop_seconds=0.5)
    with running_front(settings_of_front, limits) as front:
        slow = [front.connect() for _ in range(60)]
        for place, client in enumerate(slow):
            client.sendall((b"POST /webhooks/whatsapp HTTP/1.1\r\nX-A: ", SLOW_BODY)[place % 2])
        assert front.post_event() == 200
        for place, client in enumerate(slow):
            if place % 2:
                assert status_of(client.recv(4096)) == 408
            assert is_closed_within(client, 30)
            client.close()


def test_a_kept_connection_that_sends_its_next_head_slowly_ends_too(settings_of_front: Settings) -> None:
    with (
        running_front(settings_of_front, FrontLimits(head_seconds=1, stop_seconds=0.5)) as front,
        front.connect() as client,
    ):
        client.sendall(event_request(close=False))
        assert status_of(client.recv(4096)) == 200
        time.sleep(1.5)  # idle for longer than a head may take
        client.sendall(event_request(close=False))
        assert status_of(client.recv(4096)) == 200
        client.sendall(b"POST /webhooks/whatsapp HTTP/1.1\r\n")
        assert is_closed_within(client, 30)


def test_large_bodies_are_bounded_together_and_small_ones_are_always_taken(settings_of_front: Settings) -> None:
    with running_front(settings_of_front, FrontLimits(held_bodies=310_000, stop_seconds=0.5)) as front:
        assert front.post_event(LARGE) == 200
        with front.connect() as slow:
            slow.sendall(event_request(LARGE)[:-1])
            deadline = time.monotonic() + 30
            while (status := front.post_event(LARGE)) == 200 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert status == 503
            assert front.post_event() == 200
        while (status := front.post_event(LARGE)) != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert status == 200


def test_without_redis_meta_is_told_to_send_it_again(directory: Path) -> None:
    with running_front(front_settings(directory, "redis://127.0.0.1:1/0")) as front:
        assert [front.post_event() for _ in range(3)] == [503] * 3
        assert front.post_event(secret="another") == 401


def test_at_the_bound_of_the_stream_the_answer_is_503(directory: Path, redis: Redis, redis_url: str) -> None:
    with running_front(front_settings(directory, redis_url, stream_bound=2)) as front:
        assert [front.post_event() for _ in range(3)] == [200, 200, 503]
    assert len(entries(redis)) == 2


@pytest.mark.parametrize("gone", ["before the body", "before the answer"])
def test_a_client_that_goes_leaves_the_server_well(front: Front, gone: str) -> None:
    for _ in range(20):
        with front.connect() as client:
            client.sendall(SLOW_BODY if gone == "before the body" else event_request())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # the end is a reset
    assert front.post_event() == 200
