"""Reads `OUTBOUND_ALLOW`: the operator's own hosts and networks, which bot flows may call although they are not public."""

import ipaddress
import re
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")


@dataclass(frozen=True, slots=True)
class OutboundTarget:
    """A host by its name in lower case, or a network. `port` None: every port."""

    host: str | None
    network: Network | None
    port: int | None


def parse_targets(text: str) -> tuple[OutboundTarget, ...]:
    """Read a list such as `bot.internal:8080, 10.0.0.0/8, [fd00::1]:443`. Raises ValueError with what is allowed."""
    return tuple(_target(part.strip()) for part in text.split(",") if part.strip())


def _target(text: str) -> OutboundTarget:
    name, port = _split(text)
    try:
        return OutboundTarget(None, ipaddress.ip_network(name), port)
    except ValueError:
        pass
    host = name.lower()
    if not _HOST.fullmatch(host) or host.replace(".", "").isdigit():
        raise ValueError(
            "allowed are hosts, addresses and networks, each with an optional :port, such as bot.internal:8080"
        )
    return OutboundTarget(host, None, port)


def _split(text: str) -> tuple[str, int | None]:
    """The name, without the brackets of an IPv6 address, and the port."""
    match = re.fullmatch(r"\[(?P<v6>[^\]]*)\](?::(?P<p6>[0-9]+))?|(?P<name>[^:]*)(?::(?P<port>[0-9]+))?", text)
    if match is None:
        return text, None  # an IPv6 address or network without brackets
    port_text = match["p6"] or match["port"]
    port = int(port_text) if port_text else None
    if port is not None and not 1 <= port <= 65535:
        raise ValueError("allowed are ports from 1 to 65535")
    return match["v6"] if match["v6"] is not None else match["name"], port
