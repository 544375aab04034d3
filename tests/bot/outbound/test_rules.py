"""Which addresses are public."""

import ipaddress

import pytest

from bot.outbound.rules import is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "ff02::1", "::", "198.51.100.1",
        "192.0.0.9", "192.88.99.1", "198.18.0.1", "203.0.113.9", "100::1", "5f00::1", "3fff::1", "2001:db8::1", "2001:2::1",
        "fec0::1", "::127.0.0.1",
    ],
)  # fmt: skip
def test_private_link_local_and_disguised_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::808:808", "2a00:1450:4001::200e", "2002:808:808::1"],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
