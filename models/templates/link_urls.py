"""Checks addresses of tracked links by their form: where a link may lead, and whether phones can reach the base of links."""

import ipaddress
import re
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from models.text import Text

PATH = "/l/"
"""Between the base of links (LINK_URL) and a code."""
MAX_URL = 2000
_SAFE = "!$&'()*+,;=:@/?-._~%"
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f\\<>\"^`|]")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_OWN_NAMES = frozenset(("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private"))
"""Last labels of names that only an own network knows."""


def url_problem(url: Any) -> str | None:
    """Why an address cannot be where a tracked link leads; None if it can."""
    if not isinstance(url, str) or not url.strip():
        return "url is missing, such as https://shop.example.com/spring"
    if "{" in url or "}" in url:
        return "url: a tracked link leads everybody to the same address; allowed is one without placeholders"
    if _FORBIDDEN.search(url.strip()):
        return "url: an address has no spaces, line breaks, quotes or backslashes"
    try:
        parts, plain = urlsplit(url.strip()), ascii_url(url)
    except ValueError:
        return "url: allowed is an https address such as https://shop.example.com/spring"
    if parts.scheme.lower() != "https" or not parts.hostname or "@" in parts.netloc:
        return "url: allowed is an https address such as https://shop.example.com/spring"
    if len(plain) > MAX_URL:
        return f"url: it has {len(plain)} characters; allowed are at most {MAX_URL}"
    return None


def ascii_url(url: str) -> str:
    """The address as a `Location` header has it, with other characters than ASCII encoded. Raises ValueError if it is none."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    host = host if host.isascii() else host.encode("idna").decode()
    host = f"[{host}]" if ":" in host else host
    netloc = host if parts.port is None else f"{host}:{parts.port}"
    path, query, fragment = (
        quote(_LONE_PERCENT.sub("%25", part), safe=_SAFE) for part in (parts.path, parts.query, parts.fragment)
    )
    return urlunsplit((parts.scheme.lower(), netloc, path, query, fragment))


def reach_problem(link_base: str, *, is_simulated: bool) -> Text | None:
    """Why phones cannot reach the base of tracked links, by its form alone; None if they can.

    `is_simulated`: Meta is simulated on this machine, and so are the phones, which reach what this machine reaches.
    """
    parts = urlsplit(link_base)
    host = (parts.hostname or "").lower().rstrip(".")
    if is_simulated and is_this_machine(host):
        return None
    named = {"base": link_base}
    if parts.scheme != "https":
        return Text("Phones cannot open tracked links: LINK_URL is {base}, which is not https.", named)
    if not is_public_name(host):
        return Text("Phones cannot open tracked links: LINK_URL is {base}, which has no public name.", named)
    return None


def is_this_machine(host: str) -> bool:
    """Whether the host is a name or an address of the machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public_name(host: str) -> bool:
    """Whether the host is a name that everybody may resolve: no address, and no name of an own network."""
    labels = host.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        return False
    return labels[-1] not in _OWN_NAMES
