"""A caller of the simulated Meta that knows Meta's words and nothing of ours."""

import ssl
from typing import Any

import httpx

from bot.sandbox.seed import PHONE_NUMBER_ID
from bot.sandbox.server import Handle

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made once: loading certificates for every client takes its time
TOKEN = {"Authorization": "Bearer sandbox-access-token"}
NEVER = (
    "read",
    "reply",
    "press",
    "stop",
    "duplicate",
    "disorder",
    "early",
    "unknown",
    "skip_delivered",
    "lost_context",
)
CALM: dict[str, Any] = {
    **{f"{name}_share": 0.0 for name in NEVER},
    "speed": 200.0,
    "retry_seconds": 2.0,
    "webhook_concurrency": 1,  # more would let updates overtake each other
}


class Caller:
    """``handle`` is the sandbox it speaks to; ``send`` and its kin return the answer as it came."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.http = httpx.Client(
            base_url=handle.url + "/v25.0", headers=TOKEN, timeout=60, trust_env=False, verify=NO_TLS
        )
        self.control = httpx.Client(base_url=handle.url + "/_sandbox", timeout=60, trust_env=False, verify=NO_TLS)

    def close(self) -> None:
        self.http.close()
        self.control.close()

    def post(self, body: dict[str, Any], number: str = PHONE_NUMBER_ID, endpoint: str = "messages") -> httpx.Response:
        return self.http.post(f"/{number}/{endpoint}", json={"messaging_product": "whatsapp", **body})

    def template(self, to: str, name: str = "spring_sale", *parts: dict[str, Any], **more: Any) -> httpx.Response:
        return self.post(template_to(to, name, *parts, **more))

    def text(self, to: str, body: str) -> httpx.Response:
        return self.post({"to": to, "type": "text", "text": {"body": body}})

    def code_of(self, answer: httpx.Response) -> int:
        return int(answer.json()["error"]["code"])

    def rest(self) -> None:
        self.handle.wait_at_rest(10)


def template_to(to: str, name: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    language = more.pop("language", "en")
    usual = (body("Ana", "20%"),) if name == "spring_sale" else ()
    template = {"name": name, "language": {"code": language}, "components": list(parts or usual)}
    return {"to": to, "type": "template", "template": template, **more}


def body(*texts: str) -> dict[str, Any]:
    return {"type": "body", "parameters": [{"type": "text", "text": text} for text in texts]}


def named(kind: str, **texts: str) -> dict[str, Any]:
    items = [{"type": "text", "parameter_name": name, "text": text} for name, text in texts.items()]
    return {"type": kind, "parameters": items}


def wamid_of(answer: httpx.Response) -> str:
    return str(answer.json()["messages"][0]["id"])
