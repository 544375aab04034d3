"""How many clients there may be, and who makes room for whom."""

import contextlib
import ipaddress
import time
from pathlib import Path

import pytest

from admin.front.limits import FrontLimits
from models.config import Settings
from tests.support.front_rig import (
    Front,
    event_request,
    front_settings,
    get,
    is_closed_within,
    running_front,
    status_of,
)

HALF_A_HEAD = b"POST /webhooks/whatsapp HTTP/1.1\r\nX-A: "


def connections(front: Front) -> int:
    metrics = front.loop.call_soon_threadsafe  # the table belongs to the loop
    counted: list[int] = []
    metrics(lambda: counted.append(len(front.server.table)))
    deadline = time.monotonic() + 30
    while not counted and time.monotonic() < deadline:
        time.sleep(0.01)
    return counted[0]


def test_slow_clients_push_out_each_other_and_nobody_else(settings_of_front: Settings) -> None:
    limits = FrontLimits(connections_of_proxy=20, head_seconds=120, stop_seconds=0.5)
    with running_front(settings_of_front, limits) as front, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(front.connect()) for _ in range(60)]
        for client in slow:
            with contextlib.suppress(ConnectionError):
                client.sendall(HALF_A_HEAD)
            assert connections(front) <= 20
        assert [front.post_event() for _ in range(10)] == [200] * 10
        assert all(is_closed_within(client, 30) for client in slow[:40]), "the oldest made room"
        assert not is_closed_within(slow[-1], 0.2)


def test_the_bound_of_an_address_leaves_other_addresses_alone(settings_of_front: Settings) -> None:
    limits = FrontLimits(connections_of_proxy=5, head_seconds=120, stop_seconds=0.5)
    with running_front(settings_of_front, limits) as front, contextlib.ExitStack() as stack:
        other = stack.enter_context(front.connect(source="127.0.0.2"))
        other.sendall(HALF_A_HEAD)
        for _ in range(20):
            stack.enter_context(front.connect(source="127.0.0.3"))
        assert not is_closed_within(other, 0.3)


def test_the_bound_of_all_takes_the_one_that_waited_longest(settings_of_front: Settings) -> None:
    limits = FrontLimits(connections=10, connections_of_proxy=10, head_seconds=120, stop_seconds=0.5)
    with running_front(settings_of_front, limits) as front, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(front.connect(source=f"127.0.1.{place}")) for place in range(1, 11)]
        assert front.post_event(source="127.0.2.1") == 200
        assert is_closed_within(slow[0], 30)
        assert not is_closed_within(slow[-1], 0.2)


def test_a_proxy_may_hold_more_than_a_stranger(directory: Path, redis_url: str) -> None:
    """Loopback counts as a proxy; who is no proxy is bounded by the smaller figure."""
    trusted = (ipaddress.ip_network("198.51.100.0/24"),)
    limits = FrontLimits(connections_of_address=3, connections_of_proxy=7)
    with running_front(front_settings(directory, redis_url, trusted_proxies=trusted), limits) as front:
        bounds = {peer: front.server.table.bound_of(peer) for peer in PEERS}
    assert bounds == PEERS


PEERS = {
    "198.51.100.9": ("198.51.100.9", 7),
    "::ffff:198.51.100.9": ("198.51.100.9", 7),
    "::1": ("::1", 7),
    "127.0.0.9": ("127.0.0.9", 7),
    "203.0.113.7": ("203.0.113.7", 3),
    "2001:db8:1:2:3:4:5:6": ("2001:db8:1:2::/64", 3),
    "fe80::1%eth0": ("fe80::/64", 3),
    "": ("", 3),
}


def test_whoever_takes_no_answer_is_closed_in_the_end(settings_of_front: Settings) -> None:
    limits = FrontLimits(idle_seconds=1, head_seconds=1, stop_seconds=0.5)
    with running_front(settings_of_front, limits) as front, front.connect() as client:
        with contextlib.suppress(TimeoutError, ConnectionError):
            client.settimeout(2)
            for _ in range(100):  # thousands of answers that nobody reads
                client.sendall(get("/healthz").replace(b"Connection: close\r\n", b"") * 1000)
        deadline = time.monotonic() + 30
        while connections(front) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert connections(front) == 0


@pytest.mark.parametrize(
    "request_",
    [b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, b"GET /" + b"a" * 100_000, b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 2_000],
)
def test_headers_have_a_bound(front: Front, request_: bytes) -> None:
    assert status_of(front.ask(request_ + b"\r\n\r\n")) == 400


def test_an_own_port_gives_the_panel_to_nobody(front: Front) -> None:
    assert status_of(front.ask(get("/healthz"), front.own_port)) == 200
    assert status_of(front.ask(event_request(), front.own_port)) == 200
    for path in ("/admin/", "/metrics", "/", "/l/x", "//admin/", "/webhooks/../admin/"):
        assert status_of(front.ask(get(path), front.own_port)) == 404, path
