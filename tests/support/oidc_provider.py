"""A provider of OpenID Connect on this machine that says whatever a test has it say: also what a provider must not."""

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import RSAKey

from admin.auth.sso.provider import Provider
from models.clock import utcnow
from models.oidc_settings import OidcSettings

CLIENT = "hark"


class SayingProvider:
    """Its keys, what its tokens say, and what it was asked."""

    def __init__(self) -> None:
        self.address = ""
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.published = [self.key]
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {}
        self.without: set[str] = set()
        self.user_info: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.status = 200
        self.asked: list[tuple[str, dict[str, list[str]]]] = []

    def settings(self, **changes: Any) -> OidcSettings:
        """The settings of an installation that has this provider."""
        given = {"issuer": self.address, "client_id": CLIENT, "client_secret": "s3cret&+", "role_claim": "roles"}
        return OidcSettings(**(given | changes))

    def provider(self, **changes: Any) -> Provider:
        """A client of it."""
        return Provider(self.settings(**changes))

    def token(self) -> str:
        """The id token that it gives out now."""
        now = int(utcnow().timestamp())
        claims = {"iss": self.address, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300} | self.claims
        claims = {name: value for name, value in claims.items() if name not in self.without}
        if self.algorithm == "none":
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if self.algorithm == "HS256":  # signed with what everybody knows: the published key as a shared secret
            text = f"{_part({'alg': 'HS256', 'kid': self.key.kid})}.{_part(claims)}"
            signature = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
            return f"{text}.{_base64(signature)}"
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])

    def answer(self, path: str) -> dict[str, Any]:
        """The JSON of a path."""
        if path.endswith("openid-configuration"):
            return {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "userinfo_endpoint": f"{self.address}/user",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            } | self.discovery
        if path == "/keys":
            return {"keys": [key.as_dict(private=False) for key in self.published]}
        if path == "/user":
            return self.user_info
        return {"id_token": self.token(), "access_token": "a-1", "token_type": "Bearer"}


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@contextmanager
def saying_provider() -> Iterator[SayingProvider]:
    """One that listens on a port of its own."""
    provider = SayingProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            form = parse_qs(self.rfile.read(size).decode())
            self._answer(form | {"Authorization": [self.headers.get("Authorization", "")]})

        def _answer(self, form: dict[str, list[str]]) -> None:
            provider.asked.append((self.path, form))
            body = json.dumps(provider.answer(self.path)).encode()
            self.send_response(provider.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    provider.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
