"""A webhook receiver over real HTTP for the sandbox's own tests: keeps every body, answers what it is told."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Receiver:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signatures: list[str | None] = []
        self.answers: list[int] = []  # used up first; then 200
        self.verify_token = "sandbox-verify-token"
        self.url = ""

    def values(self, field: str = "messages") -> Iterator[dict[str, Any]]:
        for body in list(self.bodies):
            for entry in json.loads(body)["entry"]:
                yield from (change["value"] for change in entry["changes"] if change["field"] == field)

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [status for value in self.values() for status in value.get("statuses", [])]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values() for message in value.get("messages", [])]

    def kinds_of(self, wamid: str) -> list[str]:
        return [status["status"] for status in self.statuses if status["id"] == wamid]

    def all_signed_with(self, secret: str) -> bool:
        wanted = ["sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for body in self.bodies]
        return bool(wanted) and wanted == self.signatures


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.answers.pop(0) if receiver.answers else 200
            if status == 200:
                receiver.bodies.append(body)
                receiver.signatures.append(self.headers.get("X-Hub-Signature-256"))
            self._answer(status, b"ok")

        def do_GET(self) -> None:
            query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            right = query.get("hub.mode") == "subscribe" and query.get("hub.verify_token") == receiver.verify_token
            self._answer(200 if right else 403, query.get("hub.challenge", "").encode() if right else b"no")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks/whatsapp"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
