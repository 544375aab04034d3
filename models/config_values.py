"""Reads single values of the environment's settings. Each function raises ValueError with what is allowed."""

import ipaddress
import re
import zoneinfo
from urllib.parse import urlsplit

import phonenumbers
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from models.outbound_targets import Network

FIRST_SHOPIFY_VERSION = "2026-07"
"""The first version of Shopify's Admin API that knows consent to WhatsApp messages."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def database_url(text: str) -> str:
    """An SQLAlchemy URL of one of the two databases."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("allowed is an SQLAlchemy URL, postgresql+psycopg://… or sqlite:///path") from None
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"postgresql+psycopg", "sqlite", "sqlite+pysqlite"}:
        raise ValueError("allowed are postgresql+psycopg://… and sqlite:///path")
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ValueError("an SQLite database must be a file, since several processes share it")
    return url.render_as_string(hide_password=False)


def redis_url(text: str) -> str:
    """A URL of a Redis."""
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("allowed are redis://…, rediss://… and unix://…")
    return text


def http_url(text: str) -> str:
    """An http or https URL, without a slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("allowed is an http or https URL such as https://hark.example.com")
    return text.rstrip("/")


def graph_url(text: str) -> str:
    """The address of Meta's API: https, or http on this machine."""
    url = http_url(text)
    if url.startswith("http://") and urlsplit(url).hostname not in LOOPBACK:
        raise ValueError("allowed is https, or http on this machine: access tokens travel with every request")
    return url


def api_version(text: str) -> str:
    """A version of Meta's API."""
    number = text.removeprefix("v").split(".")
    if not text.startswith("v") or len(number) != 2 or not all(part.isdigit() for part in number):
        raise ValueError("allowed is a version such as v25.0")
    return text


def shop_domain(text: str) -> str:
    """A shop's own domain, in lower case."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com", text.lower()):
        raise ValueError("allowed is the shop's own domain, such as acme.myshopify.com")
    return text.lower()


def shop_version(text: str) -> str:
    """A version of Shopify's Admin API."""
    if not re.fullmatch(r"20[0-9]{2}-(01|04|07|10)", text) or text < FIRST_SHOPIFY_VERSION:
        raise ValueError(f"allowed is a version such as 2026-10, from {FIRST_SHOPIFY_VERSION} on")
    return text


def header_value(text: str) -> str:
    """Text that can stand in a header."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("allowed are letters, digits and signs without spaces")
    return text


def digits(text: str) -> str:
    """Digits."""
    if not text.isdigit():
        raise ValueError("allowed are digits")
    return text


def comma_separated(text: str) -> tuple[str, ...]:
    """The parts of a list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def country(text: str) -> str:
    """A country's two letters, in upper case."""
    code = text.upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("allowed is a country of two letters, such as ES")
    return code


def time_zone(text: str) -> str:
    """The name of a time zone."""
    if text not in zoneinfo.available_timezones():
        raise ValueError("allowed is a time zone such as Europe/Madrid")
    return text


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks."""
    try:
        return tuple(ipaddress.ip_network(part) for part in comma_separated(text))
    except ValueError:
        raise ValueError("allowed are addresses and networks such as 10.0.0.0/8, separated by commas") from None


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdigit() or int(text) < 1:
        raise ValueError("allowed is a whole number above 0")
    return int(text)
