"""`OUTBOUND_ALLOW`."""

import ipaddress

import pytest

from models.outbound_targets import OutboundTarget, parse_targets


def test_hosts_addresses_and_networks_are_read_with_their_ports() -> None:
    assert parse_targets(" Bot.Internal:8080, 10.0.0.0/8 ,192.168.1.5:443,[fd00::1]:81, fd00::/8, ") == (
        OutboundTarget("bot.internal", None, 8080),
        OutboundTarget(None, ipaddress.ip_network("10.0.0.0/8"), None),
        OutboundTarget(None, ipaddress.ip_network("192.168.1.5/32"), 443),
        OutboundTarget(None, ipaddress.ip_network("fd00::1/128"), 81),
        OutboundTarget(None, ipaddress.ip_network("fd00::/8"), None),
    )


@pytest.mark.parametrize(
    "text",
    [
        "http://bot.internal",
        "bot internal",
        "*.example.com",
        "10.0.0.1/8",
        "300.1.1.1",
        "bot:0",
        "bot:70000",
        "-x",
        "a:b",
    ],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        parse_targets(text)
