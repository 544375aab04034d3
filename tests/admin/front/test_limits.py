"""Bounds that keep to what the system allows."""

import resource

import pytest

from admin.front.limits import FrontLimits, limits_of_machine


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to", "connections", "of_proxy"),
    [
        (1024, 1_048_576, 8192, 2048, 1024),
        (1024, 1024, None, 596, 298),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, 2048, 1024),
        (64, 64, None, 16, 8),
    ],
)
def test_there_are_no_more_connections_than_open_files_for_them(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised_to: int | None, connections: int, of_proxy: int
) -> None:
    raised: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: raised.append(both[0]))
    limits = limits_of_machine(FrontLimits())
    assert (limits.connections, limits.connections_of_proxy) == (connections, of_proxy)
    assert raised == ([] if raised_to is None else [raised_to])


def test_every_bound_of_the_panel_lets_its_own_server_answer_first() -> None:
    limits = FrontLimits()
    assert limits.connections_of_address < limits.connections_of_proxy < limits.connections
    assert limits.small_body < limits.held_bodies < limits.spooled_bytes
    assert limits.body_bytes < limits.spooled_of_address < limits.spooled_bytes
