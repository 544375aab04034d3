"""Calls the management side of the Graph API: templates, numbers, accounts, subscriptions, media. Synchronous; sends no message.

Facts: docs/meta.md §1 (ids, versions, proof), §4 (number fields), §5.1 (templates), §6 (media).
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from itertools import chain
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urlsplit

import httpx

from models.errors import OperatorError

TIMEOUT_SECONDS = 15.0
UPLOAD_TIMEOUT_SECONDS = 120.0
MAX_BYTES = 8 * 1024 * 1024
"""A page of a hundred templates is far smaller; anything larger is no answer of Meta's."""
MAX_PAGES = 200
PAGE_SIZE = 100

TEMPLATE_FIELDS = (
    "id,name,language,status,category,components,parameter_format,quality_score,rejected_reason,correct_category,"
    "message_send_ttl_seconds,optimization_spec"
)
NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,quality_rating,status,throughput,whatsapp_business_manager_messaging_limit,"
    "health_status"
)


class GraphError(OperatorError):
    """The Graph API refused a call or did not answer. The text is one line without secrets.

    `code` is Meta's error code, None if the answer was no Graph error; `subcode` says more where templates are managed.
    `is_transient`: the same call may work later.
    """

    def __init__(
        self,
        template: str,
        /,
        *,
        code: int | None = None,
        subcode: int | None = None,
        is_transient: bool = False,
        **values: object,
    ) -> None:
        super().__init__(template, **values)
        self.code = code
        self.subcode = subcode
        self.is_transient = is_transient


class GraphAdmin:
    """Client of the management API with one token. Use it as a context manager. Each call raises GraphError if Meta refuses it."""

    def __init__(
        self,
        base_url: str,
        version: str,
        token: str,
        *,
        app_secret: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._version = version
        self._proof = _proof(app_secret, token) if app_secret else None
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def number(self, phone_number_id: str) -> dict[str, Any]:
        """Return a phone number's fields (`NUMBER_FIELDS`)."""
        return self._call("GET", _path(phone_number_id), params={"fields": NUMBER_FIELDS})

    def account(self, waba_id: str) -> dict[str, Any]:
        """Return a WABA's `name` and, if the token may see it, `owner_business_info` with the portfolio's id."""
        return self._call("GET", _path(waba_id), params={"fields": "id,name,owner_business_info"})

    def numbers_of(self, waba_id: str) -> list[dict[str, Any]]:
        """Return every phone number of a WABA, with `NUMBER_FIELDS`."""
        return list(self._pages(f"{_path(waba_id)}/phone_numbers", {"fields": NUMBER_FIELDS}))

    def templates(self, waba_id: str, name: str | None = None) -> list[dict[str, Any]]:
        """Return every template in every language (`TEMPLATE_FIELDS`), or those called exactly `name`."""
        params = {"fields": TEMPLATE_FIELDS, "limit": str(PAGE_SIZE)} | ({"name": name} if name else {})
        templates = list(self._pages(f"{_path(waba_id)}/message_templates", params))
        # Meta's filter matches parts of names too.
        return [item for item in templates if name is None or item.get("name") == name]

    def create_template(self, waba_id: str, definition: dict[str, Any]) -> dict[str, Any]:
        """Submit a template for review. Returns `id`, `status` and `category`, which may differ from the requested one."""
        return self._call("POST", f"{_path(waba_id)}/message_templates", json=definition)

    def subscribed_apps(self, waba_id: str) -> list[dict[str, Any]]:
        """Return the apps that receive this WABA's webhooks."""
        return list(self._pages(f"{_path(waba_id)}/subscribed_apps", {}))

    def subscribe_app(self, waba_id: str) -> None:
        """Subscribe the token's app to this WABA's webhooks. Idempotent."""
        if self._call("POST", f"{_path(waba_id)}/subscribed_apps").get("success") is not True:
            raise GraphError("Meta did not confirm the subscription to WABA {waba_id}", waba_id=waba_id)

    def upload_media(self, phone_number_id: str, file_name: str, mime_type: str, content: bytes | IO[bytes]) -> str:
        """Upload a file for one number and return its media id, which is valid for 30 days. An open file is read piece by piece."""
        answer = self._call(
            "POST",
            f"{_path(phone_number_id)}/media",
            data={"messaging_product": "whatsapp", "type": mime_type},
            files={"file": (file_name, content, mime_type)},
            timeout=UPLOAD_TIMEOUT_SECONDS,
        )
        media_id = answer.get("id")
        if not isinstance(media_id, str) or not media_id:
            raise GraphError("Meta took the file and gave it no id")
        return media_id

    def fields(self, node: str, names: str) -> dict[str, Any]:
        """Return the fields of an object of Meta's by its id; `names` are separated by commas."""
        return self._call("GET", _path(node), params={"fields": names})

    def page_lists(
        self, node: str, edge: str, params: dict[str, str], max_pages: int = MAX_PAGES
    ) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
        """Yield the pages of a list of an object, such as the products of a catalog; each is asked for when it is its turn.

        With each page comes the cursor behind it, for `after` in the params of a later call; None if Meta names none.
        """
        path = f"{_path(node)}/{edge}"
        answer = self._call("GET", path, params=params)
        for _ in range(max_pages):
            items = answer.get("data")
            if not isinstance(items, list):
                raise GraphError("{path}: the answer has no list called data", path=path)
            paging = _object(answer.get("paging"))
            after = _object(paging.get("cursors")).get("after")
            yield [item for item in items if isinstance(item, dict)], after if isinstance(after, str) else None
            if not paging.get("next"):
                return
            answer = self.follow(paging["next"])
        raise GraphError("{path}: more than {max_pages} pages", path=path, max_pages=max_pages)

    def _pages(self, path: str, params: dict[str, str]) -> Iterator[dict[str, Any]]:
        node, _, edge = path.partition("/")
        return chain.from_iterable(page for page, _ in self.page_lists(node, edge, params))

    def follow(self, url: str) -> dict[str, Any]:
        """Follow a paging link, but only to the Graph API's own host: the request carries the token.

        Raises GraphError if it leads elsewhere, or Meta refuses.
        """
        if not isinstance(url, str) or _origin(url) != _origin(self._base_url):
            raise GraphError("paging.next leads to another host than GRAPH_API_URL: not followed")
        return self._request("GET", url, params=None)

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return self._request(method, f"{self._base_url}/{self._version}/{path}", **options)

    def _request(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        if self._proof:
            url = str(
                httpx.URL(url).copy_merge_params(
                    {**(options.pop("params", None) or {}), "appsecret_proof": self._proof}
                )
            )
        options = {name: value for name, value in options.items() if value is not None}
        path = urlsplit(url).path
        try:
            with self._client.stream(method, url, **options) as response:
                body = _capped(response, path)
        except httpx.HTTPError as error:
            raise GraphError(
                "the Graph API at {base_url} could not be asked ({kind})",
                base_url=self._base_url,
                kind=type(error).__name__,
                is_transient=True,
            ) from error
        return _answer(response.status_code, body, path)


def _path(identifier: str) -> str:
    """Return an id as a path segment. People enter it, so anything but digits raises GraphError."""
    if not (identifier.isascii() and identifier.isdigit()):
        raise GraphError("{identifier!r} is no id of Meta's: allowed are digits", identifier=identifier)
    return identifier


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ("", None, None)
    return (parts.scheme, parts.hostname, port)


def _proof(app_secret: str, token: str) -> str:
    return hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def _capped(response: httpx.Response, path: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise GraphError(
                "{path}: the answer is over {max_bytes} MB", path=path, max_bytes=MAX_BYTES // 1024 // 1024
            )
    return bytes(body)


def _answer(status: int, body: bytes, path: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        raise _graph_error(error, status)
    if status != 200 or not isinstance(answer, dict):
        raise GraphError(
            "{path}: HTTP {status} and no Graph answer",
            path=path,
            status=status,
            is_transient=status >= 500 or status == 429,
        )
    return answer


def _graph_error(error: dict[str, Any], status: int) -> GraphError:
    code, subcode = error.get("code"), error.get("error_subcode")
    data = error.get("error_data")
    detail = (data.get("details") if isinstance(data, dict) else data) or error.get("error_user_msg")
    text = " ".join(f"{error.get('message', 'no message')}{f' ({detail})' if detail else ''}".split())[:400]
    is_known_transient = code in {1, 2, 4, 80007, 130429, 131000, 131016}
    return GraphError(
        "Meta refused: {text}",
        text=text,
        code=code if isinstance(code, int) else None,
        subcode=subcode if isinstance(subcode, int) else None,
        is_transient=is_known_transient or bool(error.get("is_transient")) or status >= 500,
    )
