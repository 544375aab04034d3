"""A webhook endpoint under Flask or before it, and a Meta that signs what it posts."""

from typing import Any

from flask import Flask
from werkzeug.test import Client

from bot.webhooks.signature import sign
from bot.webhooks.whatsapp import (
    PATH,
    WebhookEndpoint,
    make_blueprint,
    short_circuit,
)

SECRET = "app-secret"
BODY = '{"object":"whatsapp_business_account","entry":[{"text":"¡hola!"}]}'.encode()


def client_of(door: WebhookEndpoint, kind: str = "wsgi") -> Client:
    app = Flask("test")

    @app.get("/elsewhere")
    def elsewhere() -> str:
        return "elsewhere"

    if kind == "flask":
        app.register_blueprint(make_blueprint(door))
        return Client(app)
    return Client(short_circuit(app, door))


def post(client: Client, body: bytes = BODY, secret: str = SECRET, **values: Any) -> int:
    headers = {"X-Hub-Signature-256": sign(secret, body)} | values.pop("headers", {})
    return client.post(PATH, data=body, headers=headers, content_type="application/json", **values).status_code
