"""Sends messages over the Graph API and returns a `SendResult` for every answer and failure of Meta; never raises for them."""

import logging
from typing import Any

import httpx
import orjson

from bot.meta.send_result import SendResult, SendResultKind
from bot.meta.transport import AiohttpTransport, NothingSentError, UncertainSendError

log = logging.getLogger("hark.graph")

HELD_STATUSES = frozenset({"held_for_quality_assessment", "paused"})
MAX_WAMID = 300
MAX_ID = 32
MAX_CODE = 2**31


class GraphClient:
    """Sends messages of one or several numbers over one pool of connections.

    `transport` replaces the network in tests. Each call takes the token, since numbers may have different ones.
    """

    def __init__(self, base_url: str, version: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._root = f"{base_url.rstrip('/')}/{version}"
        self._transport = transport or AiohttpTransport()
        self._urls: dict[tuple[str, str], httpx.URL] = {}

    async def send(
        self, phone_number_id: str, token: str, body: dict[str, Any], endpoint: str = "messages"
    ) -> SendResult:
        """POST one message body, with its envelope, once. Every failure is a `SendResult`, not an exception."""
        url = self._urls.get((phone_number_id, endpoint))
        if url is None:
            url = self._urls[phone_number_id, endpoint] = httpx.URL(f"{self._root}/{phone_number_id}/{endpoint}")
        request = httpx.Request(
            "POST",
            url,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            content=orjson.dumps(body),
        )
        try:
            response = await self._transport.handle_async_request(request)
            content = await response.aread()
        except NothingSentError as error:
            return SendResult(SendResultKind.NOT_SENT, message=f"The connection failed ({error})")
        except (UncertainSendError, httpx.TransportError) as error:
            return SendResult(
                SendResultKind.UNSURE, message=f"the answer was lost ({error if str(error) else type(error).__name__})"
            )
        except Exception as error:  # noqa: BLE001 - the request may have arrived, whatever failed
            log.error("a request ended in %s", type(error).__name__)  # noqa: TRY400 - its text may hold customer data
            return SendResult(SendResultKind.UNSURE, message=f"the answer was lost ({type(error).__name__})")
        return read_send_result(response.status_code, response.headers.get("content-encoding", ""), content)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def read_send_result(status: int, encoding: str, content: bytes) -> SendResult:
    """Classify an answer: a numeric Graph error code is a refusal, a message id an acceptance, everything else is unsure."""
    if encoding not in {"", "identity"}:
        return _unsure(status, f"an answer encoded as {encoding[:20]}")
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return _unsure(status, "an answer that is not JSON")
    if not isinstance(answer, dict):
        return _unsure(status, "an answer of another shape")
    error = answer.get("error")
    if isinstance(error, dict):
        return _refusal(status, error)
    if status // 100 != 2:
        return _unsure(status, "an answer without an error code")
    return _acceptance(status, answer)


def _unsure(status: int, reason: str) -> SendResult:
    return SendResult(SendResultKind.UNSURE, message=f"{reason} (HTTP {status})")


def _refusal(status: int, error: dict[str, Any]) -> SendResult:
    code = error.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or abs(code) >= MAX_CODE:
        return _unsure(status, "an error without a numeric code")
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else data
    return SendResult(
        SendResultKind.REFUSED,
        code=code,
        is_transient=error.get("is_transient") is True or status >= 500,
        message=_readable(error.get("message")),
        details=_readable(details),
    )


def _acceptance(status: int, answer: dict[str, Any]) -> SendResult:
    messages = answer.get("messages")
    message = messages[0] if isinstance(messages, list) and messages else None
    wamid = message.get("id") if isinstance(message, dict) else None
    if not isinstance(wamid, str) or not 0 < len(wamid) <= MAX_WAMID or not wamid.isprintable():
        return _unsure(status, "an acceptance without a message id")
    contacts = answer.get("contacts")
    contact = contacts[0] if isinstance(contacts, list) and contacts and isinstance(contacts[0], dict) else {}
    return SendResult(
        SendResultKind.HELD
        if isinstance(message, dict) and message.get("message_status") in HELD_STATUSES
        else SendResultKind.ACCEPTED,
        wamid=wamid,
        wa_id=_id(contact.get("wa_id"), MAX_ID),
        user_id=_id(contact.get("user_id"), MAX_WAMID),
    )


def _id(value: object, max_length: int) -> str | None:
    """Return the id if its column can hold it, else None."""
    is_id = isinstance(value, str) and 0 < len(value) <= max_length and value.isprintable()
    return value if isinstance(value, str) and is_id else None


def _readable(value: object) -> str:
    """Return a text of Meta for the operator, without the control characters that a database refuses, at most 500 characters."""
    return "".join(char if char.isprintable() else " " for char in str(value or "")[:500])
