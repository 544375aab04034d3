"""Says which headers go on between a client and the panel: everything but what belongs to one connection alone."""

from collections.abc import Iterable

from aiohttp import web
from multidict import CIMultiDict

from admin.front.panel_link import PEER_HEADER

# RFC 9110 §7.6.1, and what is settled with each side apart.
_OF_ONE_CONNECTION = frozenset(
    {
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "http2-settings", "expect",
    }
)  # fmt: skip


def request_headers(request: web.BaseRequest, peer: str, token: str, length: int | None) -> CIMultiDict[str]:
    """Return the headers for the panel. `length` is the body's in bytes; None: there is no body.

    A name with an underscore is left out, as nginx does: WSGI cannot tell it from the same name with a hyphen, so that it could
    pose as a header that the client may not set.
    """
    left_out = _OF_ONE_CONNECTION | _named_by_connection(request.headers.getall("Connection", ()))
    left_out |= {PEER_HEADER.lower(), "content-length"}
    headers = CIMultiDict(
        (name, value) for name, value in request.headers.items() if name.lower() not in left_out and "_" not in name
    )
    headers[PEER_HEADER] = f"{peer} {token}"
    headers.setdefault("Host", "localhost")  # HTTP/1.0 may come without one
    if length is not None:
        headers["Content-Length"] = str(length)
    return headers


def response_headers(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return the panel's headers for the client."""
    left_out = _OF_ONE_CONNECTION | _named_by_connection(headers.getall("Connection", ()))
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in left_out)


def _named_by_connection(values: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().lower() for value in values for name in value.split(","))
