"""Says which addresses may be called: those of the public internet but this machine's, and what the operator allows."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from models.config import Settings
from models.outbound_targets import OutboundTarget

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The special-purpose registries of IANA (RFC 6890 and later), and 168.63.129.16, at which a cloud (Azure) answers its own machines.
# Python's own `is_global` differs from version to version.
_NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
            "168.63.129.16/32", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out for the public internet."""
_NOT_PUBLIC_6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Return whether an address is public; of a mapped, 6to4, Teredo or NAT64 address the IPv4 address inside is checked."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if wrapped is None and address in _NAT64:
        wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if wrapped is not None:
        return is_public(wrapped)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_own_address(address: Address) -> bool:
    """Return whether a network interface of this machine has this address. Nothing is sent to find out."""
    family = socket.AF_INET if isinstance(address, ipaddress.IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))  # a socket can be bound to an address of this machine alone
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class OutboundRules:
    """What may be called: public addresses by https, and `allowed` by http too. `is_public` is for tests, whose server is local.

    `own_hosts`: the names in lower case by which this installation itself is reached.
    """

    allowed: Sequence[OutboundTarget] = ()
    is_public: Callable[[Address], bool] = is_public
    own_hosts: frozenset[str] = frozenset()

    @property
    def is_for_local_servers(self) -> bool:
        """Whether a test calls servers of its own on this machine."""
        return self.is_public is not is_public

    @property
    def has_networks(self) -> bool:
        """Whether the operator allows addresses, to which a name may lead."""
        return any(target.network is not None for target in self.allowed)

    def names(self, host: str, port: int) -> bool:
        """Whether the operator allows this host by its name, whatever its address is."""
        plain = host.lower().rstrip(".")
        return any(target.host == plain and target.port in {None, port} for target in self.allowed)

    def holds(self, address: Address, port: int) -> bool:
        """Whether the operator allows this address."""
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(
            target.network is not None and mapped in target.network and target.port in {None, port}
            for target in self.allowed
        )

    def may_connect(self, address: Address, port: int, *, is_plain: bool) -> bool:
        """Whether a connection may go to this address; `is_plain`: by http, which only the operator's own may."""
        if self.holds(address, port):
            return True
        return not is_plain and self.is_public(address) and (self.is_for_local_servers or not is_own_address(address))


def rules_of(settings: Settings) -> OutboundRules:
    """Return the rules of an installation: what OUTBOUND_ALLOW names, and its own hosts, which are refused."""
    own = {urlsplit(settings.public_url).hostname or "", socket.gethostname()}
    return OutboundRules(settings.outbound_allow, own_hosts=frozenset(name.lower().rstrip(".") for name in own if name))
