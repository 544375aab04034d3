"""A simulated Shopify shop over real HTTP: its GraphQL Admin API, written from Shopify's reference and not from Hark's code.

It reads the selection of a query and answers each field by its own schema: a field that Shopify does not know is an error, and what
was not asked for does not come. Costs fill a leaky bucket, whose clock is the test's.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

VERSION = "2026-10"
TOKEN = "shpat_of_the_shop"
GID = "gid://shopify/Customer/"

WHATSAPP_CONSENT = {"state": None, "optInLevel": None, "updatedAt": None, "collectedFrom": None}
NUMBER = {
    "phoneNumber": None,
    "whatsAppMarketingConsent": WHATSAPP_CONSENT,
    "marketingState": None,
    "marketingOptInLevel": None,
    "marketingUpdatedAt": None,
    "marketingCollectedFrom": None,
}
CUSTOMER = {
    "id": None, "updatedAt": None, "firstName": None, "lastName": None, "tags": None,
    "defaultEmailAddress": {"emailAddress": None}, "defaultPhoneNumber": NUMBER,
    "defaultAddress": {"phone": None, "countryCodeV2": None},
}  # fmt: skip
PAGE = {"nodes": CUSTOMER, "pageInfo": {"hasNextPage": None, "endCursor": None}}
CHANGED = {"customerPhoneNumber": NUMBER, "userErrors": {"code": None, "field": None, "message": None}}

_TOKEN = re.compile(r'"[^"]*"|[$!:(){}\[\]]|[A-Za-z_][A-Za-z0-9_]*|[0-9]+')


@dataclass
class Selection:
    """A field of a query: its name, the key of its answer, its arguments and what is asked of it."""

    name: str
    key: str
    arguments: dict[str, Any]
    fields: list["Selection"]


def read_document(query: str, variables: dict[str, Any]) -> tuple[str, list[Selection]]:
    """(query or mutation, what is asked). Raises ValueError if it is no document."""
    tokens = _TOKEN.findall(query)
    kind = tokens.pop(0)
    if kind not in {"query", "mutation"}:
        raise ValueError(kind)
    tokens.pop(0)
    if tokens[0] == "(":
        while tokens.pop(0) != ")":
            pass
    return kind, _selections(tokens, variables)


def _selections(tokens: list[str], variables: dict[str, Any]) -> list[Selection]:
    if tokens.pop(0) != "{":
        raise ValueError("a selection is missing")
    found = []
    while tokens[0] != "}":
        name = key = tokens.pop(0)
        if tokens[0] == ":":
            tokens.pop(0)
            name = tokens.pop(0)
        arguments: dict[str, Any] = {}
        if tokens[0] == "(":
            tokens.pop(0)
            while tokens[0] != ")":
                argument = tokens.pop(0)
                tokens.pop(0)
                arguments[argument] = _value(tokens, variables)
            tokens.pop(0)
        found.append(Selection(name, key, arguments, _selections(tokens, variables) if tokens[0] == "{" else []))
    tokens.pop(0)
    return found


def _value(tokens: list[str], variables: dict[str, Any]) -> Any:
    token = tokens.pop(0)
    if token == "$":
        return variables.get(tokens.pop(0))
    return int(token) if token.isdigit() else token.strip('"')


class GraphError(Exception):
    """An answer with `errors`; `code` is that of the extensions."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class SimulatedShop:
    """Its customers, what its token may, and what goes wrong on purpose."""

    url: str = ""
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=lambda: {"read_customers", "write_customers"})
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    app: tuple[str, str] | None = None
    refuses: str | None = None
    """The code of a user error for every change."""
    answers: list[Callable[[], tuple[int, dict[str, Any]]]] = field(default_factory=list)
    """Answers that come before the true ones."""
    available: float = 2000.0
    restore_rate: float = 100.0
    largest_page: int = 250
    documents: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    grants: int = 0
    slept: list[float] = field(default_factory=list)
    now: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        """The test's clock: the bucket fills up while somebody waits."""
        self.slept.append(seconds)
        self.now += seconds
        self.available = min(2000.0, self.available + seconds * self.restore_rate)

    def clock(self) -> float:
        """Seconds, of which only waiting takes any."""
        return self.now

    def put(self, customer_id: str, phone: str | None, updated_at: datetime, **values: Any) -> dict[str, Any]:
        """A customer as the shop has them; `whatsapp` is (state, when)."""
        state, at = values.pop("whatsapp", ("NEVER_SUBSCRIBED", None))
        consent = {
            "state": state,
            "optInLevel": values.pop("level", "SINGLE_OPT_IN"),
            "updatedAt": at.isoformat() if at else None,
            "collectedFrom": "SHOPIFY",
        }
        sms_state, sms_at = values.pop("sms", ("NOT_SUBSCRIBED", None))
        number = {
            "phoneNumber": phone,
            "whatsAppMarketingConsent": consent,
            "marketingState": sms_state,
            "marketingOptInLevel": "SINGLE_OPT_IN",
            "marketingUpdatedAt": sms_at.isoformat() if sms_at else None,
            "marketingCollectedFrom": "SHOPIFY",
        }
        email = values.pop("email", None)
        self.customers[customer_id] = {
            "id": GID + customer_id,
            "updatedAt": updated_at.isoformat().replace("+00:00", "Z"),
            "firstName": "Ana",
            "lastName": None,
            "tags": [],
            "defaultEmailAddress": {"emailAddress": email} if email else None,
            "defaultPhoneNumber": number if phone is not None else None,
            "defaultAddress": None,
        } | values
        return self.customers[customer_id]

    def consent_of(self, customer_id: str) -> tuple[str, str | None]:
        """(state, when) of a customer's consent to WhatsApp messages."""
        consent = self.customers[customer_id]["defaultPhoneNumber"]["whatsAppMarketingConsent"]
        return consent["state"], consent["updatedAt"]

    def operations(self) -> list[str]:
        """The names of the documents that came."""
        return [re.split(r"[ ({]+", query)[1] for query, _ in self.documents]

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """What the shop says."""
        if path == "/admin/oauth/access_token":
            return self._grant(body)
        if path != f"/admin/api/{VERSION}/graphql.json":
            return 404, {"errors": "Not Found"}
        if headers.get("x-shopify-access-token") not in self.tokens:
            return 401, {"errors": "[API] Invalid API key or access token"}
        asked = json.loads(body)
        self.documents.append((asked["query"], asked["variables"]))
        if self.answers:
            return self.answers.pop(0)()
        return 200, self._execute(asked["query"], asked["variables"])

    def _grant(self, body: bytes) -> tuple[int, dict[str, Any]]:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        is_known = (form.get("client_id"), form.get("client_secret")) == self.app
        if form.get("grant_type") != "client_credentials" or not is_known:
            return 400, {"error": "invalid_client"}
        self.grants += 1
        token = f"shpat_granted_{self.grants}"
        self.tokens = {token}
        return 200, {"access_token": token, "scope": "read_customers,write_customers", "expires_in": 86399}

    def _execute(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        kind, asked = read_document(query, variables)
        cost = sum(_cost(selection) for selection in asked) if kind == "query" else 10
        if cost > 1000:
            return {"errors": [{"message": "too dear", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
        is_throttled = cost > self.available
        if not is_throttled:
            self.available -= cost
        status = {"maximumAvailable": 2000, "currentlyAvailable": self.available, "restoreRate": self.restore_rate}
        extensions = {"cost": {"requestedQueryCost": cost, "actualQueryCost": cost, "throttleStatus": status}}
        if is_throttled:
            return {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": extensions}
        try:
            data = {selection.key: self._field(kind, selection) for selection in asked}
        except GraphError as error:
            return {"errors": [{"message": "no", "extensions": {"code": error.code}}], "extensions": extensions}
        return {"data": data, "extensions": extensions}

    def _field(self, kind: str, asked: Selection) -> Any:
        fields = {
            ("query", "customer"): self._customer,
            ("query", "customers"): self._customers,
            ("mutation", "customerWhatsAppMarketingConsentUpdate"): self._update,
        }
        if (kind, asked.name) not in fields:
            raise GraphError("undefinedField")
        if ("read_customers" if kind == "query" else "write_customers") not in self.scopes:
            raise GraphError("ACCESS_DENIED")
        return fields[kind, asked.name](asked)

    def _customer(self, asked: Selection) -> Any:
        return _shape(self.customers.get(str(asked.arguments["id"]).removeprefix(GID)), asked.fields, CUSTOMER)

    def _customers(self, asked: Selection) -> Any:
        since = re.fullmatch(r"updated_at:>='(.+)'", asked.arguments["query"])
        if since is None or asked.arguments["sortKey"] != "UPDATED_AT":
            raise GraphError("BAD_USER_INPUT")
        changed = [it for it in self.customers.values() if _moment(it["updatedAt"]) >= _moment(since[1])]
        changed.sort(key=lambda it: (_moment(it["updatedAt"]), it["id"]))
        after, size = asked.arguments["after"], min(asked.arguments["first"], self.largest_page)
        if after is not None and not re.fullmatch(r"cursor-[0-9]+", after):
            raise GraphError("BAD_USER_INPUT")
        start = int(after.removeprefix("cursor-")) if after else 0
        end = start + size
        info = {"hasNextPage": end < len(changed), "endCursor": f"cursor-{end}"}
        return _shape({"nodes": changed[start:end], "pageInfo": info}, asked.fields, PAGE)

    def _update(self, asked: Selection) -> Any:
        given = asked.arguments["input"]
        customer = self.customers.get(given["customerId"].removeprefix(GID))
        code = self.refuses or ("INVALID" if not customer or not customer["defaultPhoneNumber"] else None)
        if code is not None or customer is None:
            error = {"code": code, "field": ["input"], "message": "ana@example.com has no phone"}
            return _shape({"customerPhoneNumber": None, "userErrors": [error]}, asked.fields, CHANGED)
        new = given["whatsAppMarketingConsent"]
        customer["defaultPhoneNumber"]["whatsAppMarketingConsent"] |= new
        answer = {"customerPhoneNumber": customer["defaultPhoneNumber"], "userErrors": []}
        return _shape(answer, asked.fields, CHANGED)


def _shape(value: Any, asked: list[Selection], schema: dict[str, Any]) -> Any:
    """The fields that were asked for; an error for one that the schema does not know, or that lacks its selection."""
    for selection in asked:
        if selection.name not in schema or bool(selection.fields) != isinstance(schema[selection.name], dict):
            raise GraphError("undefinedField")
    if value is None:
        return None
    if isinstance(value, list):
        return [_shape(item, asked, schema) for item in value]
    return {it.key: _shape(value[it.name], it.fields, schema[it.name]) if it.fields else value[it.name] for it in asked}


def _cost(asked: Selection) -> int:
    """A point for each object; a connection by its size."""
    inner = sum(_cost(it) for it in asked.fields)
    if "first" in asked.arguments:
        return 2 + int(asked.arguments["first"]) * inner
    return inner + 1 if asked.fields else 0


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@contextmanager
def simulated_shop() -> Iterator[SimulatedShop]:
    """A shop on this machine."""
    shop = SimulatedShop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with shop.lock:
                status, answer = shop.answer(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
