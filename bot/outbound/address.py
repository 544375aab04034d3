"""Says of an address whether it may be called, as far as its text tells: when a bot flow is loaded, and before every call.

An address is read by the parser that the connection uses. A host name is judged by its form alone: what it leads to is checked when
a connection is made (bot.outbound.client).
"""

import ipaddress
import re

from yarl import URL

from bot.outbound.rules import Address, OutboundRules

FORM = "allowed are https addresses without a user name"
ALLOWED = "allowed are addresses of the public internet, and what OUTBOUND_ALLOW names"

_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL_DOMAINS = frozenset(
    {"arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost", "private"}
)
"""Last labels that no host of the public internet has."""


def problem_with_call(url: str, rules: OutboundRules) -> str | None:
    """Return why an address may not be called, or None. Nothing is resolved; of the address the text repeats the host alone."""
    try:
        parsed = URL(url)
        host, port = (parsed.raw_host or "").lower(), parsed.port
    except ValueError:
        return "this is no address"
    if parsed.scheme not in {"https", "http"} or not host or port is None or "@" in parsed.raw_authority:
        return FORM
    if rules.names(host, port):
        return None
    is_plain = parsed.scheme == "http"
    if (literal := read_literal(host)) is not None:
        may_be_called = rules.may_connect(literal, port, is_plain=is_plain)
        return None if may_be_called else f"{host} may not be called: {ALLOWED}"
    if problem := _problem_with_name(host.removesuffix("."), rules):
        return problem
    return FORM if is_plain and not rules.has_networks else None


def read_literal(host: str) -> Address | None:
    """Return a host that is an address, without its zone; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _problem_with_name(host: str, rules: OutboundRules) -> str | None:
    if not _NAME.fullmatch(host):
        return "the host is neither a name nor an address"
    if _NUMERIC.fullmatch(host.rpartition(".")[2]):
        return f"{host} is a number: write an address as four decimal numbers, such as 192.0.2.1"
    if host in rules.own_hosts:
        return f"{host} is Hark's own host: {ALLOWED}"
    if rules.has_networks or rules.is_for_local_servers:
        return None  # a local name may lead into a network that the operator allows
    if "." not in host or host.rpartition(".")[2] in _LOCAL_DOMAINS:
        return f"{host} is a name of a local network: {ALLOWED}"
    return None
