"""Where a request came from, behind proxies."""

import ipaddress

import pytest
from flask import Flask, request

from admin.auth.client_address import client_address, client_network

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("192.0.2.7"))


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # what the client itself claims counts for nothing
        ("10.0.0.1", "203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.7", "203.0.113.9", "203.0.113.9"),
        ("203.0.113.50", "198.51.100.1", "203.0.113.50"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "not an address", "not an address"),
    ],
)
def test_only_a_trusted_proxy_is_believed(peer: str, header: str, expected: str) -> None:
    headers = {"X-Forwarded-For": header} if header else {}
    with Flask("x").test_request_context(headers=headers, environ_base={"REMOTE_ADDR": peer}):
        assert client_address(request, PROXIES) == expected


def test_without_trusted_proxies_the_header_is_ignored() -> None:
    with Flask("x").test_request_context(
        headers={"X-Forwarded-For": "203.0.113.9"}, environ_base={"REMOTE_ADDR": "10.0.0.1"}
    ):
        assert client_address(request, ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_and_of_ipv6_its_network(address: str, client: str) -> None:
    assert client_network(address) == client
