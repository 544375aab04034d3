"""Asks one shop over the GraphQL Admin API, and no other host. Synchronous; keeps to the shop's rate limit.

Facts of Shopify's: HTTP 200 comes for errors too, in `errors` and in each mutation's `userErrors`. A query over the limit is
answered with the code THROTTLED, sometimes with HTTP 429. A token that was granted for a day is granted anew upon HTTP 401.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from bot.shopify.access import AppSecret, Credentials, GrantedTokens, StayingToken
from bot.shopify.errors import ShopError, ShopRefusedError
from bot.shopify.parse import CustomerPage, read_customer, read_page
from bot.shopify.queries import UNSUBSCRIBE, changed_customers, customers_by_id
from bot.shopify.throttle import LONGEST_WAIT, Throttle
from bot.webhooks.shop_values import GID
from models.events.shop_types import ShopCustomer

TIMEOUT_SECONDS = 20.0
MAX_BYTES = 8 * 1024 * 1024
MAX_TRIES = 6
PAGE_SIZE = 100
"""A page of 250, the most that Shopify gives, would cost more than the 1,000 points that one query may."""
DENIED = frozenset({"ACCESS_DENIED", "UNAUTHORIZED", "FORBIDDEN"})
TRANSIENT = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})
_ID = re.compile(r"[0-9]{1,64}")


class ShopClient:
    """Client of one shop. Use it as a context manager. Each call raises ShopError if the shop refuses it or does not answer.

    `base_url` replaces the shop's own address, and `sleep` and `clock` the waiting, in tests.
    """

    def __init__(
        self,
        shop: str,
        version: str,
        credentials: Credentials,
        *,
        default_country: str | None = None,
        with_sms: bool = False,
        granted: GrantedTokens | None = None,
        base_url: str | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shop = shop
        self.url = (base_url or f"https://{shop}").rstrip("/")
        self._version = version
        self._credentials = credentials
        self._default_country = default_country
        self._with_sms = with_sms
        self._granted = granted or GrantedTokens()
        self._sleep = sleep
        self._throttle = Throttle(clock)
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def customers(self, customer_ids: Sequence[str]) -> dict[str, ShopCustomer | None]:
        """Return customers with their consent, by id; None for one that the shop does not have. About five points each."""
        if not customer_ids:
            return {}
        variables = {f"id{place}": _gid(key) for place, key in enumerate(customer_ids)}
        data = self._ask("Customers", customers_by_id(len(customer_ids), with_sms=self._with_sms), variables)
        nodes = {key: data.get(f"c{place}") for place, key in enumerate(customer_ids)}
        return {key: read_customer(node, self._default_country) for key, node in nodes.items()}

    def changed_customers(self, since: datetime, after: str | None) -> CustomerPage:
        """Return a page of the customers that were changed at `since` or later, in that order, after the cursor `after`."""
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        variables = {"after": after, "query": f"updated_at:>='{moment}'"}
        data = self._ask("ChangedCustomers", changed_customers(PAGE_SIZE, with_sms=self._with_sms), variables)
        page = read_page(data.get("customers"), self._default_country)
        if page is None:
            raise ShopError("{shop}: the answer holds no page of customers", shop=self.shop)
        return page

    def unsubscribe(self, customer_id: str, at: datetime) -> None:
        """Record that the customer opted out of WhatsApp messages at `at`. Idempotent.

        Needs the scope `write_customers`. Raises ShopRefusedError if the shop does not take it.
        """
        moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        consent = {"state": "UNSUBSCRIBED", "updatedAt": moment}
        variables = {"input": {"customerId": _gid(customer_id), "whatsAppMarketingConsent": consent}}
        answer = self._ask("Unsubscribe", UNSUBSCRIBE, variables).get("customerWhatsAppMarketingConsentUpdate")
        if not isinstance(answer, dict):
            raise ShopError("{shop}: the shop did not confirm the opt-out", shop=self.shop, is_transient=True)
        errors = answer.get("userErrors")
        if isinstance(errors, list) and errors:
            code = errors[0].get("code") if isinstance(errors[0], dict) else None
            raise ShopRefusedError("{shop}: the opt-out is not taken ({code})", shop=self.shop, code=_word(code))

    def _ask(self, operation: str, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return `data` of the answer, waiting for the rate limit; at most `LONGEST_WAIT` after refusals."""
        waited = 0.0
        for _ in range(MAX_TRIES):
            self._pause(self._throttle.seconds_before(operation))
            status, body = self._post(query, variables)
            self._throttle.note(operation, body.get("extensions"))
            if status != httpx.codes.TOO_MANY_REQUESTS and "THROTTLED" not in _codes(body):
                return self._data(status, body)
            wait = self._throttle.seconds_after_refusal(operation)
            if waited + wait > LONGEST_WAIT:
                break
            self._pause(wait)
            waited += wait
        raise ShopError("{shop}: the shop's rate limit is used up", shop=self.shop, is_transient=True)

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)

    def _post(self, query: str, variables: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        path = f"/admin/api/{self._version}/graphql.json"
        content = json.dumps({"query": query, "variables": dict(variables)}).encode()
        for is_again in (False, True):
            headers = {"X-Shopify-Access-Token": self._token(), "Content-Type": "application/json"}
            status, body = self._send(path, headers, content)
            if status == httpx.codes.UNAUTHORIZED and isinstance(self._credentials, AppSecret) and not is_again:
                self._granted.drop(self._credentials.client_id, self.shop)
                continue
            break
        return status, body

    def _data(self, status: int, body: dict[str, Any]) -> dict[str, Any]:
        codes = _codes(body)
        if status in {401, 403} or codes & DENIED:
            raise ShopError(
                "{shop}: the token may not do that; it needs the scopes read_customers and write_customers",
                shop=self.shop,
                is_denied=True,
            )
        if status in {402, 404, 423}:
            raise ShopError("{shop}: the shop cannot be asked (HTTP {status})", shop=self.shop, status=status)
        if body.get("errors"):
            raise ShopError(
                "{shop}: the shop did not answer the query ({codes})",
                shop=self.shop,
                codes=", ".join(sorted(codes)) or "no code",
                is_transient=bool(codes & TRANSIENT),
            )
        data = body.get("data")
        if status != httpx.codes.OK or not isinstance(data, dict):
            raise ShopError(
                "{shop}: HTTP {status} and no answer", shop=self.shop, status=status, is_transient=status >= 500
            )
        return data

    def _token(self) -> str:
        if isinstance(self._credentials, StayingToken):
            return self._credentials.token
        client_id = self._credentials.client_id
        return self._granted.get(client_id, self.shop) or self._grant(self._credentials)

    def _grant(self, app: AppSecret) -> str:
        """Get a token for a day by the client credentials grant."""
        form = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": app.secret}
        content = str(httpx.QueryParams(form)).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, body = self._send("/admin/oauth/access_token", headers, content)
        token, seconds = body.get("access_token"), body.get("expires_in")
        if status != httpx.codes.OK or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ShopError(
                "{shop}: the shop gives the app no token (HTTP {status})",
                shop=self.shop,
                status=status,
                is_transient=status >= 500 or status == httpx.codes.TOO_MANY_REQUESTS,
                is_denied=400 <= status < 500 and status != httpx.codes.TOO_MANY_REQUESTS,
            )
        lives = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else 3600
        self._granted.put(app.client_id, self.shop, token, lives)
        return token

    def _send(self, path: str, headers: Mapping[str, str], content: bytes) -> tuple[int, dict[str, Any]]:
        """POST once; the status and the JSON object of the answer, empty if there is none."""
        try:
            with self._client.stream("POST", self.url + path, headers=dict(headers), content=content) as response:
                raw = bytearray()
                for chunk in response.iter_bytes():
                    raw += chunk
                    if len(raw) > MAX_BYTES:
                        raise ShopError("{shop}: the answer is too large", shop=self.shop)
                status = response.status_code
        except httpx.HTTPError as error:
            raise ShopError(
                "{shop} cannot be reached ({kind})", shop=self.shop, kind=type(error).__name__, is_transient=True
            ) from error
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        return status, body if isinstance(body, dict) else {}


def _codes(body: Mapping[str, Any]) -> frozenset[str]:
    """The codes of the errors of an answer."""
    errors = body.get("errors")
    found = [error.get("extensions") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return frozenset(_word(it.get("code")) for it in found if isinstance(it, dict) and it.get("code"))


def _word(value: object) -> str:
    """A code of Shopify's: never a text, which may quote a customer."""
    return re.sub(r"[^A-Za-z_]", "", str(value))[:60] or "no code"


def _gid(customer_id: str) -> str:
    """Return the GraphQL id. Raises ShopError if `customer_id` is no number."""
    if not _ID.fullmatch(customer_id):
        raise ShopError("{customer_id!r} is no id of a customer: allowed are digits", customer_id=customer_id[:40])
    return GID + customer_id
