"""Asks the provider of single sign-on: its endpoints (discovery), its keys, its tokens.

Its host is the operator's choice in OIDC_ISSUER and may be private; any other host that it names must be public or stand in
OUTBOUND_ALLOW. At most CALLS_AT_A_TIME requests of the panel wait for it, so that a slow provider takes no thread from the others.
"""

import asyncio
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from werkzeug.datastructures import Authorization

from admin.auth.sso.errors import ProviderBusyError, ProviderUnavailableError, SignOnError
from bot.outbound.client import Answer, ForbiddenAddressError, OutboundHttpClient, UnreachableError
from bot.outbound.rules import OutboundRules
from models.oidc_settings import OidcSettings
from models.outbound_targets import OutboundTarget

CALLS_AT_A_TIME = 2
WAIT_SECONDS = 2.0
CALL_SECONDS = 5.0
KEPT_SECONDS = 3600.0
"""How long endpoints and keys are kept."""
FAILURE_KEPT_SECONDS = 5.0
"""How long a provider that did not answer is not asked again."""
NEW_KEYS_SECONDS = 30.0
"""How often, at most, keys are read again because a token was signed with one that is not known."""
_OK = 200


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the provider says of itself. `issuer` is its name in its own spelling, which its tokens carry."""

    issuer: str
    authorization: str
    token: str
    keys: str
    user_info: str | None
    algorithms: tuple[str, ...]
    takes_secret_in_body: bool


class Provider:
    """The provider of one installation. `monotonic` is the clock by which what it said grows old."""

    def __init__(
        self,
        settings: OidcSettings,
        allowed: tuple[OutboundTarget, ...] = (),
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._rules = OutboundRules((*allowed, _target_of(settings.issuer)))
        self._monotonic = monotonic
        self._calls = threading.BoundedSemaphore(CALLS_AT_A_TIME)
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None
        self._failed_at: float | None = None

    def endpoints(self) -> Endpoints:
        """The provider's endpoints. Raises ProviderUnavailableError if it does not answer, SignOnError if it is another one."""
        kept = self._endpoints
        if kept is not None and self._monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        if self._failed_at is not None and self._monotonic() - self._failed_at < FAILURE_KEPT_SECONDS:
            raise ProviderUnavailableError("The provider of single sign-on does not answer. Try again in a moment.")
        try:
            found = _read_endpoints(
                self._get(f"{self.settings.issuer}/.well-known/openid-configuration"), self.settings
            )
        except ProviderBusyError:
            raise  # it was not asked
        except (ProviderUnavailableError, SignOnError):
            self._failed_at = self._monotonic()
            raise
        self._endpoints, self._failed_at = (self._monotonic(), found), None
        return found

    def keys(self, *, older_than: float | None = None) -> dict[str, Any]:
        """The provider's public keys, as a JWK set. `older_than` seconds: read them again if they are.

        Raises ProviderUnavailableError if it does not answer.
        """
        kept = self._keys
        if kept is None or self._monotonic() - kept[0] >= (KEPT_SECONDS if older_than is None else older_than):
            kept = self._keys = (self._monotonic(), self._get(self.endpoints().keys))
        return kept[1]

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """The tokens for a code. Raises SignOnError if the provider refuses it, ProviderUnavailableError if it does not answer."""
        endpoints, own = self.endpoints(), self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": own.client_id,
        }
        headers: dict[str, str] = {}
        if own.client_secret is not None and endpoints.takes_secret_in_body:
            form["client_secret"] = own.client_secret
        elif own.client_secret is not None:
            credentials: dict[str, str | None] = {
                "username": quote_plus(own.client_id),
                "password": quote_plus(own.client_secret),
            }
            headers["Authorization"] = Authorization("basic", credentials).to_header()
        answer = self._call("POST", endpoints.token, headers, urlencode(form).encode())
        if answer.status != _OK or not isinstance(answer.body, dict):
            raise SignOnError("The provider of single sign-on did not accept this sign-in. Begin again.")
        return answer.body

    def user_info(self, access_token: str) -> dict[str, Any]:
        """What the provider says of the user besides the id token; empty if it has no such endpoint."""
        address = self.endpoints().user_info
        if address is None:
            return {}
        return self._get(address, {"Authorization": f"Bearer {access_token}"})

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = self._call("GET", url, headers or {}, None)
        if answer.status != _OK or not isinstance(answer.body, dict):
            raise ProviderUnavailableError(
                "The provider of single sign-on answered with HTTP {status} where JSON was expected.",
                status=answer.status,
            )
        return answer.body

    def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        async def once() -> Answer:
            client = OutboundHttpClient(self._rules)
            try:
                form = "application/x-www-form-urlencoded"
                return await client.call(method, url, headers, body, CALL_SECONDS, content_type=form)
            finally:
                await client.close()

        with self._place():
            try:
                return asyncio.run(once())
            except UnreachableError as error:
                raise ProviderUnavailableError(
                    "The provider of single sign-on does not answer. Try again in a moment."
                ) from error
            except ForbiddenAddressError as error:
                raise SignOnError(
                    "The provider of single sign-on names the host {host}, which may not be called: OUTBOUND_ALLOW.",
                    host=urlsplit(url).hostname,
                ) from error

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._calls.acquire(timeout=WAIT_SECONDS):
            raise ProviderBusyError("Many are signing in at this moment. Try again in a few seconds.")
        try:
            yield
        finally:
            self._calls.release()


def _read_endpoints(document: Mapping[str, Any], own: OidcSettings) -> Endpoints:
    issuer = document.get("issuer")
    if not isinstance(issuer, str) or issuer.rstrip("/") != own.issuer:
        raise SignOnError("OIDC_ISSUER={issuer}: the provider there has another name", issuer=own.issuer)
    is_plain = own.issuer.startswith("http://")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Endpoints(
        issuer,
        _address(document, "authorization_endpoint", is_plain),
        _address(document, "token_endpoint", is_plain),
        _address(document, "jwks_uri", is_plain),
        _address(document, "userinfo_endpoint", is_plain) if document.get("userinfo_endpoint") else None,
        tuple(word for word in _words(document.get("id_token_signing_alg_values_supported")) or ("RS256",)),
        takes_secret_in_body=isinstance(methods, list)
        and "client_secret_post" in methods
        and "client_secret_basic" not in methods,
    )


def _address(document: Mapping[str, Any], name: str, is_plain: bool) -> str:
    """An address that the document names. Raises SignOnError if it is none, or without TLS where the issuer has it."""
    address = document.get(name)
    if not isinstance(address, str) or not address.startswith(("https://", "http://") if is_plain else "https://"):
        raise SignOnError("The provider of single sign-on names no usable {name}.", name=name)
    return address


def _words(value: object) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _target_of(issuer: str) -> OutboundTarget:
    """The issuer's own host and port, which may be called wherever it is."""
    parts = urlsplit(issuer)
    host, port = (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        return OutboundTarget(None, ipaddress.ip_network(host), port)
    except ValueError:
        return OutboundTarget(host, None, port)
