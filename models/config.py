"""Reads the settings of the environment once, typed, and reports every invalid one.

Sources, first wins: the environment, the file that a `NAME_FILE` variable names, the file named by `HARK_ENV_FILE`
(default `.env`). All invalid values are reported together, each with its name, its value and what is allowed.
"""

import ipaddress
import os
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from dotenv import dotenv_values
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from models.crypto import Vault, new_encryption_key, new_token
from models.errors import OperatorError
from models.files import aside_of, make_private_directory, open_private, sync_directory, sync_file
from models.outbound_targets import Network, OutboundTarget, parse_targets

SECRETS = (
    "META_APP_SECRET", "META_VERIFY_TOKEN", "SHOPIFY_SECRET", "SHOPIFY_TOKEN", "SECRET_KEY", "ENCRYPTION_KEY", "MARKS_KEY",
    "DATABASE_URL", "REDIS_URL",
)  # fmt: skip
FIRST_SHOPIFY_VERSION = "2026-07"
"""The first version of Shopify's Admin API that knows consent to WhatsApp messages."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingsError(OperatorError):
    """One line per invalid setting."""


@dataclass(frozen=True)
class Settings:
    """The settings. `redis_url` is None if `flask up` starts a Redis of its own."""

    database_url: str
    redis_url: str | None
    var_dir: Path
    graph_api_url: str = "https://graph.facebook.com"
    graph_api_version: str = "v25.0"
    meta_app_id: str | None = None
    meta_app_secrets: tuple[str, ...] = ()
    meta_verify_token: str | None = None
    shopify_secrets: tuple[str, ...] = ()
    shopify_shop: str | None = None
    """The shop's own domain, `acme.myshopify.com`: the only host that is asked, and only its customers are."""
    shopify_token: str | None = None
    shopify_client_id: str | None = None
    """With the first of `shopify_secrets` it gets a token for a day, where there is no `shopify_token`."""
    shopify_api_version: str = "2026-10"
    secret_key: str = ""
    encryption_keys: tuple[str, ...] = ()
    marks_keys: tuple[str, ...] = ()
    """Of the marks of redacted people, newest first; without them the oldest of `encryption_keys`."""
    public_url: str = "http://127.0.0.1:8000"
    default_country: str | None = None
    time_zone: str = "UTC"
    metrics_token: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    """Whose `X-Forwarded-For` says where a request came from."""
    outbound_allow: tuple[OutboundTarget, ...] = ()
    """The operator's own hosts and networks, which bot flows may call."""
    stream_bound: int = 1_000_000
    """How many unprocessed events the stream holds before the webhook answers 503."""

    def vault(self) -> Vault:
        """Return the vault for secrets at rest. Raises ValueError if a key is invalid."""
        return Vault(self.encryption_keys, self.marks_keys)

    @property
    def can_ask_shop(self) -> bool:
        """Whether there is a shop and something to ask it with."""
        return bool(self.shopify_shop and (self.shopify_token or (self.shopify_client_id and self.shopify_secrets)))

    @property
    def redis_socket_url(self) -> str:
        """`redis_url`, else the socket of the Redis that `flask up` starts."""
        return self.redis_url or f"unix://{(self.var_dir / 'redis' / 'redis.sock').absolute()}"


def load_settings(environment: Mapping[str, str] | None = None, directory: Path | None = None) -> Settings:
    """Read the settings; `directory` is the project's root, for `.env` and `var/`.

    Raises SettingsError, with a line for each, if settings are invalid.
    """
    variables = dict(os.environ if environment is None else environment)
    root = directory or Path(__file__).resolve().parent.parent
    values = (
        _env_file(variables, root) | _secret_files(variables) | {name: text for name, text in variables.items() if text}
    )
    return _Reader(values, root).settings()


def _env_file(variables: Mapping[str, str], root: Path) -> dict[str, str]:
    named = variables.get("HARK_ENV_FILE")
    path = root / (named or ".env")
    if not path.is_file():
        if named and named != os.devnull:
            raise SettingsError("HARK_ENV_FILE={named}: there is no such file", named=named)
        return {}
    return {name: text for name, text in dotenv_values(path, interpolate=False).items() if text}


def _secret_files(variables: Mapping[str, str]) -> dict[str, str]:
    secrets = {}
    for name in SECRETS:
        path = variables.get(f"{name}_FILE")
        if path:
            try:
                secrets[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    "{name}_FILE={path}: cannot be read ({reason})", name=name, path=path, reason=error.strerror
                ) from error
    return secrets


class _Reader:
    """Reads the values and collects the problems, so that all are reported at once."""

    def __init__(self, values: Mapping[str, str], root: Path) -> None:
        self.values = values
        self.root = root
        self.problems: list[str] = []

    def settings(self) -> Settings:
        var_dir = self.root / self.values.get("HARK_VAR_DIR", "var")
        default_url = f"sqlite:///{(var_dir / 'hark.db').absolute()}"
        database_url = self._read("DATABASE_URL", default_url, _database_url, secret=True)
        may_create_keys = "DATABASE_URL" not in self.values
        settings: dict[str, Any] = {
            "database_url": database_url,
            "redis_url": self._read("REDIS_URL", None, _redis_url, secret=True),
            "var_dir": var_dir,
            "graph_api_url": self._read("GRAPH_API_URL", "https://graph.facebook.com", _graph_url),
            "graph_api_version": self._read("GRAPH_API_VERSION", "v25.0", _version),
            "meta_app_id": self._read("META_APP_ID", None, _digits),
            "meta_app_secrets": self._read("META_APP_SECRET", (), _comma_separated, secret=True),
            "meta_verify_token": self._read("META_VERIFY_TOKEN", None, str, secret=True),
            "shopify_secrets": self._read("SHOPIFY_SECRET", (), _comma_separated, secret=True),
            "shopify_shop": self._read("SHOPIFY_SHOP", None, _shop),
            "shopify_token": self._read("SHOPIFY_TOKEN", None, _header_value, secret=True),
            "shopify_client_id": self._read("SHOPIFY_CLIENT_ID", None, _header_value),
            "shopify_api_version": self._read("SHOPIFY_API_VERSION", "2026-10", _shop_version),
            "public_url": self._read("PUBLIC_URL", "http://127.0.0.1:8000", _http_url),
            "default_country": self._read("DEFAULT_COUNTRY", None, _country),
            "time_zone": self._read("TIME_ZONE", "UTC", _zone),
            "metrics_token": self._read("METRICS_TOKEN", None, str, secret=True),
            "trusted_proxies": self._read("TRUSTED_PROXIES", (), _networks),
            "outbound_allow": self._read("OUTBOUND_ALLOW", (), parse_targets),
            "stream_bound": self._read("STREAM_BOUND", 1_000_000, _positive),
        }
        self._check_shop(settings)
        if self.problems:
            raise SettingsError("{problems}", problems="\n".join(self.problems))
        is_new = not (var_dir / "hark.db").exists()
        settings["secret_key"] = self._key("SECRET_KEY", var_dir, may_create_keys, new_token)
        keys = self._key("ENCRYPTION_KEY", var_dir, may_create_keys, new_encryption_key)
        settings["encryption_keys"] = _comma_separated(keys)
        self._check_keys("ENCRYPTION_KEY", settings["encryption_keys"])
        settings["marks_keys"] = self._marks_keys(var_dir, may_create_keys, settings["encryption_keys"], is_new=is_new)
        if may_create_keys or "MARKS_KEY" in self.values:
            self._check_keys("MARKS_KEY", settings["marks_keys"])
        if self.problems:
            raise SettingsError("{problems}", problems="\n".join(self.problems))
        return Settings(**settings)

    def _read(self, name: str, default: Any, parse: Callable[[str], Any], *, secret: bool = False) -> Any:
        text = self.values.get(name)
        if text is None:
            return default
        try:
            return parse(text.strip())
        except ValueError as error:
            self.problems.append(f"{name}={'…' if secret else text}: {error}")
            return default

    def _key(self, name: str, var_dir: Path, may_create_keys: bool, new_key: Callable[[], str]) -> str:
        """Return the key that is set, else the one under var/, which is created once, for the default SQLite alone."""
        if name in self.values:
            return self.values[name].strip()
        if not may_create_keys:
            self.problems.append(
                f"{name} is not set: with a database of your own it must be, or every start would need a new one"
            )
            return ""
        path = var_dir / name.lower()
        try:
            if not path.exists():  # a start writes nothing that is there: it must not need a disk with room
                _create_key(path, new_key())
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            self.problems.append(f"{name}: its file {path} can be neither read nor made ({error.strerror})")
            return ""

    def _marks_keys(
        self, var_dir: Path, may_create_keys: bool, encryption_keys: tuple[str, ...], *, is_new: bool
    ) -> tuple[str, ...]:
        """The keys of the marks. An installation from before they had their own goes on with the oldest ENCRYPTION_KEY."""
        if "MARKS_KEY" not in self.values and not may_create_keys:
            return ()
        oldest = encryption_keys[-1] if encryption_keys else ""
        return _comma_separated(
            self._key("MARKS_KEY", var_dir, may_create_keys, new_encryption_key if is_new else lambda: oldest)
        )

    def _check_shop(self, settings: Mapping[str, Any]) -> None:
        if settings["shopify_client_id"] and not settings["shopify_token"] and not settings["shopify_secrets"]:
            self.problems.append(
                "SHOPIFY_CLIENT_ID: it gets a token only together with the app's secret, SHOPIFY_SECRET"
            )
        if (settings["shopify_token"] or settings["shopify_client_id"]) and not settings["shopify_shop"]:
            self.problems.append("SHOPIFY_SHOP is not set: a token is for one shop, such as acme.myshopify.com")

    def _check_keys(self, name: str, keys: tuple[str, ...]) -> None:
        try:
            Vault(keys)
        except ValueError:
            self.problems.append(
                f"{name}=…: allowed are 32 bytes as URL-safe base64, several separated by commas, newest first"
            )


def _create_key(path: Path, key: str) -> None:
    """Write a key whole: of two simultaneous first starts one creates it, the other reads it. Raises OSError if neither can."""
    make_private_directory(path.parent)  # the database in it holds personal data
    temporary = aside_of(path)
    try:
        with open_private(temporary, "wb") as file:
            file.write(key.encode())
            sync_file(file)
        os.link(temporary, path)
        sync_directory(path.parent)  # a key that a power cut takes back makes what was encrypted with it unreadable
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)


def _database_url(text: str) -> str:
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


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("allowed are redis://…, rediss://… and unix://…")
    return text


def _http_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("allowed is an http or https URL such as https://hark.example.com")
    return text.rstrip("/")


def _graph_url(text: str) -> str:
    url = _http_url(text)
    if url.startswith("http://") and urlsplit(url).hostname not in LOOPBACK:
        raise ValueError("allowed is https, or http on this machine: access tokens travel with every request")
    return url


def _version(text: str) -> str:
    number = text.removeprefix("v").split(".")
    if not text.startswith("v") or len(number) != 2 or not all(part.isdigit() for part in number):
        raise ValueError("allowed is a version such as v25.0")
    return text


def _shop(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com", text.lower()):
        raise ValueError("allowed is the shop's own domain, such as acme.myshopify.com")
    return text.lower()


def _shop_version(text: str) -> str:
    if not re.fullmatch(r"20[0-9]{2}-(01|04|07|10)", text) or text < FIRST_SHOPIFY_VERSION:
        raise ValueError(f"allowed is a version such as 2026-10, from {FIRST_SHOPIFY_VERSION} on")
    return text


def _header_value(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("allowed are letters, digits and signs without spaces")
    return text


def _digits(text: str) -> str:
    if not text.isdigit():
        raise ValueError("allowed are digits")
    return text


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _country(text: str) -> str:
    code = text.upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("allowed is a country of two letters, such as ES")
    return code


def _zone(text: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise ValueError("allowed is a time zone such as Europe/Madrid")
    return text


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in _comma_separated(text))
    except ValueError:
        raise ValueError("allowed are addresses and networks such as 10.0.0.0/8, separated by commas") from None


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ValueError("allowed is a whole number above 0")
    return int(text)
