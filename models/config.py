"""Reads the settings of the environment once, typed, and reports every invalid one.

Sources, first wins: the environment, the file that a `NAME_FILE` variable names, the file named by `HARK_ENV_FILE`
(default `.env`). All invalid values are reported together, each with its name, its value and what is allowed.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from models import config_values as values
from models.bucket import Bucket, parse_location
from models.config_values import LOOPBACK
from models.crypto import Vault, new_encryption_key, new_token
from models.errors import OperatorError
from models.files import aside_of, make_private_directory, open_private, sync_directory, sync_file
from models.oidc_settings import OidcSettings
from models.outbound_targets import Network, OutboundTarget, parse_targets

SECRETS = (
    "META_APP_SECRET", "META_VERIFY_TOKEN", "SHOPIFY_SECRET", "SHOPIFY_TOKEN", "SECRET_KEY", "ENCRYPTION_KEY", "MARKS_KEY",
    "DATABASE_URL", "REDIS_URL", "OIDC_CLIENT_SECRET", "MEDIA_S3_ACCESS_KEY_ID", "MEDIA_S3_SECRET_ACCESS_KEY",
)  # fmt: skip


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
    link_url: str | None = None
    """Where tracked links lead, which people's phones follow for years; None: `public_url`. `link_base` has the one that counts."""
    default_country: str | None = None
    time_zone: str = "UTC"
    metrics_token: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    """Whose `X-Forwarded-For` says where a request came from."""
    outbound_allow: tuple[OutboundTarget, ...] = ()
    """The operator's own hosts and networks, which bot flows may call."""
    oidc: OidcSettings | None = None
    media_bucket: Bucket | None = None
    """Where the contents of media files lie; None: under `var/media`."""
    stream_bound: int = 1_000_000
    """How many unprocessed events the stream holds before the webhook answers 503."""

    def vault(self) -> Vault:
        """Return the vault for secrets at rest. Raises ValueError if a key is invalid."""
        return Vault(self.encryption_keys, self.marks_keys)

    @property
    def link_base(self) -> str:
        """The address before `/l/` in tracked links, without a slash at its end."""
        return self.link_url or self.public_url

    @property
    def is_simulated(self) -> bool:
        """Whether Meta is simulated on this machine (`flask demo`, a sandbox), and with it the phones."""
        return urlsplit(self.graph_api_url).hostname in LOOPBACK

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
    texts = (
        _env_file(variables, root) | _secret_files(variables) | {name: text for name, text in variables.items() if text}
    )
    return _Reader(texts, root).settings()


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

    def __init__(self, texts: Mapping[str, str], root: Path) -> None:
        self.texts = texts
        self.root = root
        self.problems: list[str] = []

    def settings(self) -> Settings:
        var_dir = self.root / self.texts.get("HARK_VAR_DIR", "var")
        default_url = f"sqlite:///{(var_dir / 'hark.db').absolute()}"
        database_url = self._read("DATABASE_URL", default_url, values.database_url, secret=True)
        may_create_keys = "DATABASE_URL" not in self.texts
        settings: dict[str, Any] = {
            "database_url": database_url,
            "redis_url": self._read("REDIS_URL", None, values.redis_url, secret=True),
            "var_dir": var_dir,
            "graph_api_url": self._read("GRAPH_API_URL", "https://graph.facebook.com", values.graph_url),
            "graph_api_version": self._read("GRAPH_API_VERSION", "v25.0", values.api_version),
            "meta_app_id": self._read("META_APP_ID", None, values.digits),
            "meta_app_secrets": self._read("META_APP_SECRET", (), values.comma_separated, secret=True),
            "meta_verify_token": self._read("META_VERIFY_TOKEN", None, str, secret=True),
            "shopify_secrets": self._read("SHOPIFY_SECRET", (), values.comma_separated, secret=True),
            "shopify_shop": self._read("SHOPIFY_SHOP", None, values.shop_domain),
            "shopify_token": self._read("SHOPIFY_TOKEN", None, values.header_value, secret=True),
            "shopify_client_id": self._read("SHOPIFY_CLIENT_ID", None, values.header_value),
            "shopify_api_version": self._read("SHOPIFY_API_VERSION", "2026-10", values.shop_version),
            "public_url": self._read("PUBLIC_URL", "http://127.0.0.1:8000", values.http_url),
            "link_url": self._read("LINK_URL", None, values.http_url),
            "default_country": self._read("DEFAULT_COUNTRY", None, values.country),
            "time_zone": self._read("TIME_ZONE", "UTC", values.time_zone),
            "metrics_token": self._read("METRICS_TOKEN", None, str, secret=True),
            "trusted_proxies": self._read("TRUSTED_PROXIES", (), values.networks),
            "outbound_allow": self._read("OUTBOUND_ALLOW", (), parse_targets),
            "stream_bound": self._read("STREAM_BOUND", 1_000_000, values.positive),
        }
        settings["oidc"] = self._oidc(settings["outbound_allow"])
        settings["media_bucket"] = self._media_bucket(settings["outbound_allow"])
        self._check_shop(settings)
        if self.problems:
            raise SettingsError("{problems}", problems="\n".join(self.problems))
        is_new = not (var_dir / "hark.db").exists()
        settings["secret_key"] = self._key("SECRET_KEY", var_dir, may_create_keys, new_token)
        keys = self._key("ENCRYPTION_KEY", var_dir, may_create_keys, new_encryption_key)
        settings["encryption_keys"] = values.comma_separated(keys)
        self._check_keys("ENCRYPTION_KEY", settings["encryption_keys"])
        settings["marks_keys"] = self._marks_keys(var_dir, may_create_keys, settings["encryption_keys"], is_new=is_new)
        if may_create_keys or "MARKS_KEY" in self.texts:
            self._check_keys("MARKS_KEY", settings["marks_keys"])
        if self.problems:
            raise SettingsError("{problems}", problems="\n".join(self.problems))
        return Settings(**settings)

    def _read(self, name: str, default: Any, parse: Callable[[str], Any], *, secret: bool = False) -> Any:
        text = self.texts.get(name)
        if text is None:
            return default
        try:
            return parse(text.strip())
        except ValueError as error:
            self.problems.append(f"{name}={'…' if secret else text}: {error}")
            return default

    def _key(self, name: str, var_dir: Path, may_create_keys: bool, new_key: Callable[[], str]) -> str:
        """Return the key that is set, else the one under var/, which is created once, for the default SQLite alone."""
        if name in self.texts:
            return self.texts[name].strip()
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
        if "MARKS_KEY" not in self.texts and not may_create_keys:
            return ()
        oldest = encryption_keys[-1] if encryption_keys else ""
        return values.comma_separated(
            self._key("MARKS_KEY", var_dir, may_create_keys, new_encryption_key if is_new else lambda: oldest)
        )

    def _oidc(self, own_hosts: tuple[OutboundTarget, ...]) -> OidcSettings | None:
        issuer = self._read("OIDC_ISSUER", None, values.http_url)
        client_id = self._read("OIDC_CLIENT_ID", None, values.header_value)
        client_secret = self._read("OIDC_CLIENT_SECRET", None, str, secret=True)
        role_claim = self._read("OIDC_ROLE_CLAIM", None, str)
        if issuer is None or client_id is None:
            for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ROLE_CLAIM"):
                if name in self.texts:
                    self.problems.append(f"{name}: single sign-on needs both OIDC_ISSUER and OIDC_CLIENT_ID")
                    break
            return None
        self._check_plain("OIDC_ISSUER", issuer, own_hosts)
        return OidcSettings(issuer, client_id, client_secret, role_claim)

    def _media_bucket(self, own_hosts: tuple[OutboundTarget, ...]) -> Bucket | None:
        location = self._read("MEDIA_STORE", None, parse_location)
        endpoint = self._read("MEDIA_S3_ENDPOINT", None, values.http_url)
        region = self._read("MEDIA_S3_REGION", "us-east-1", values.header_value)
        key_id = self._read("MEDIA_S3_ACCESS_KEY_ID", None, values.header_value, secret=True)
        secret = self._read("MEDIA_S3_SECRET_ACCESS_KEY", None, values.header_value, secret=True)
        if (key_id is None) != (secret is None):
            self.problems.append("MEDIA_S3_ACCESS_KEY_ID and MEDIA_S3_SECRET_ACCESS_KEY: both are needed, or neither")
        if endpoint is not None:
            self._check_plain("MEDIA_S3_ENDPOINT", endpoint, own_hosts)
        if location is None:
            return None
        name, prefix = location
        return Bucket(name, prefix, region=region, endpoint=endpoint, access_key_id=key_id, secret_access_key=secret)

    def _check_plain(self, name: str, url: str, own_hosts: tuple[OutboundTarget, ...]) -> None:
        """Secrets travel with the requests: http is for this machine and the operator's own hosts alone."""
        host = (urlsplit(url).hostname or "").lower()
        if url.startswith("http://") and host not in LOOPBACK and not any(host == own.host for own in own_hosts):
            self.problems.append(
                f"{name}={url}: allowed is https, or http on this machine and for a host that OUTBOUND_ALLOW names"
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
