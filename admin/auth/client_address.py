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
    while hops and _is_trusted(address, trusted):
        address = hops.pop()
    return address


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in network for network in trusted)
