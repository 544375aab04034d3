"""Says which address a request came from, also behind the operator's own proxies (`TRUSTED_PROXIES`)."""

import ipaddress
from collections.abc import Iterable, Sequence

from flask import Request

from models.outbound_targets import Network


def client_address(request: Request, trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy. Without trusted proxies the header is ignored: anybody can send it."""
    return nearest_client(request.remote_addr or "", request.headers.getlist("X-Forwarded-For"), trusted)


def nearest_client(address: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """The same for a connection from `address` with these values of X-Forwarded-For."""
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while hops and is_trusted(address, trusted):
        address = hops.pop()
    return address


def client_network(address: str) -> str:
    """What counts as one client: the address; of IPv6 its /64, which one customer of a provider has."""
    parsed = read_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)


def read_address(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, of IPv4 also where IPv6 carries it (`::ffff:192.0.2.1`); None if it is none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether the address is in one of the networks."""
    parsed = read_address(address)
    return parsed is not None and any(parsed in network for network in trusted)
