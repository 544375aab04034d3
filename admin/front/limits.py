"""Bounds what clients may hold of the front server: connections, bytes, and time."""

import resource
from dataclasses import dataclass, replace

from admin.auth.body_sizes import MAX_BYTES, MAX_BYTES_SIGNED_OUT

_MIB = 1024 * 1024
_DESCRIPTORS = 8192
_OTHER_DESCRIPTORS = 128


@dataclass(frozen=True)
class FrontLimits:
    """All times in seconds, all sizes in bytes."""

    connections: int = 2048
    """All together."""
    connections_of_proxy: int = 1024
    """From this machine, or from an address of TRUSTED_PROXIES: many clients stand behind it."""
    connections_of_address: int = 128
    """From any other address; of IPv6 from its network (/64)."""
    head_seconds: float = 10.0
    """From the connection, or from the first byte of a further request, to the end of its headers."""
    idle_seconds: float = 75.0
    """Between two requests of a connection. Longer than nginx keeps its own (60)."""
    line_bytes: int = 16 * 1024
    """Of the request's first line, and of one header; there may be 100 headers."""
    webhook_seconds: float = 10.0
    """For the whole body of a webhook."""
    small_body: int = MAX_BYTES_SIGNED_OUT
    """A body up to this size is taken into memory whatever else is held."""
    held_bodies: int = 64 * _MIB
    """Of larger webhooks all together in memory."""
    body_seconds: float = 15.0
    """For a body for the panel, and a second more for each `slowest_rate`."""
    slowest_rate: int = 32 * 1024
    body_bytes: int = MAX_BYTES
    """Of a request for the panel."""
    spooled_bytes: int = 1024 * _MIB
    """What uploads and downloads under way may fill of the disk, all together."""
    spooled_of_address: int = 256 * _MIB
    """The same of the uploads of one client."""
    panel_requests: int = 100
    """For the panel that are under way or wait, beyond which the answer is 503."""
    panel_at_once: int = 20
    """Of these, under way: a few more than the panel has threads, so that a flood of pages leaves the loop to webhooks."""
    panel_seconds: float = 600.0
    """Until the panel begins to answer."""
    write_seconds: float = 30.0
    """For a client to take 64 KiB of a response."""
    stop_seconds: float = 3.0


def limits_of_machine(limits: FrontLimits) -> FrontLimits:
    """Raise this process's own limit of open files, and return limits that keep to it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return limits
    # A request for the panel takes a connection to it and up to two files as well.
    spare = max(16, soft - _OTHER_DESCRIPTORS - 3 * limits.panel_requests)
    return replace(
        limits,
        connections=min(limits.connections, spare),
        connections_of_proxy=min(limits.connections_of_proxy, max(8, spare // 2)),
    )
