"""Meta's door, under Flask and before it."""

import io
import logging
from typing import Any

import pytest
from redis import Redis
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from bot.webhooks.signature import is_authentic, sign
from bot.webhooks.stream import EventStream
from bot.webhooks.whatsapp import (
    MAX_BYTES,
    PATH,
    WebhookEndpoint,
)
from tests.support.webhook_client import BODY, SECRET, client_of, post


@pytest.fixture
def small_stream(redis: Redis) -> EventStream:
    return EventStream(redis, bound=3)


@pytest.fixture(params=["flask", "wsgi"])
def client(request: pytest.FixtureRequest, small_stream: EventStream) -> Client:
    """The same door behind both."""
    return client_of(WebhookEndpoint([SECRET, "the-former-secret"], "verify-me", small_stream), request.param)


def asked(client: Client, environ: dict[str, Any]) -> int:
    """The status of the answer to exactly this."""
    return int(run_wsgi_app(client.application, environ)[1].split()[0])


def environ_of(body: bytes) -> dict[str, Any]:
    signed = [("X-Hub-Signature-256", sign(SECRET, body))]
    return dict(EnvironBuilder(path=PATH, method="POST", headers=signed).get_environ())


def test_the_handshake_gives_back_the_raw_challenge(client: Client) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "1158201444<b>"}
    reply = client.get(PATH, query_string=query)
    assert (reply.status_code, reply.data, reply.mimetype) == (200, b"1158201444<b>", "text/plain")
    assert client.get("/elsewhere").data == b"elsewhere"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"hub.mode": "subscribe", "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": "wrong", "hub.challenge": "1"},
        {"hub.mode": "unsubscribe", "hub.verify_token": "verify-me", "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": "vérify", "hub.challenge": "1"},
    ],
)
def test_a_wrong_handshake_is_forbidden(client: Client, query: dict[str, str]) -> None:
    assert client.get(PATH, query_string=query).status_code == 403


def test_without_a_verify_token_or_a_secret_nobody_enters(small_stream: EventStream) -> None:
    client = client_of(WebhookEndpoint([], None, small_stream))
    query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
    assert client.get(PATH, query_string=query).status_code == 403
    assert post(client, secret="") == 401


def test_an_authentic_body_is_kept_as_it_is(client: Client, small_stream: EventStream) -> None:
    assert post(client) == 200
    assert post(client, body=b"no JSON \xff\x00 at all") == 200
    small_stream.make_group()
    assert [entry.raw for entry in small_stream.read("c", 10)] == [BODY, b"no JSON \xff\x00 at all"]


def test_either_secret_counts_while_they_rotate(client: Client) -> None:
    assert (post(client, secret="the-former-secret"), post(client, secret="another")) == (200, 401)


@pytest.mark.parametrize(
    "signature",
    [None, "", "sha256=", "sha256=" + "0" * 64, "sha256=" + "ż" * 64, "sha1=" + "0" * 64, sign(SECRET, BODY)[:-1]],
)
def test_a_missing_or_wrong_signature_is_refused_and_leaves_nothing(
    client: Client, small_stream: EventStream, signature: str | None
) -> None:
    environ = EnvironBuilder(path=PATH, method="POST", data=BODY).get_environ()
    if signature is not None:
        environ["HTTP_X_HUB_SIGNATURE_256"] = signature
    assert asked(client, environ) == 401
    assert small_stream.backlog().events == 0


def test_a_signature_of_another_body_is_refused(client: Client) -> None:
    assert post(client, headers={"X-Hub-Signature-256": sign(SECRET, BODY + b" ")}) == 401


def test_a_signature_in_capitals_is_the_same_signature() -> None:
    header = "sha256=" + sign(SECRET, BODY)[7:].upper()
    assert is_authentic(header, BODY, ["x", SECRET])


def test_three_megabytes_are_taken(client: Client, small_stream: EventStream) -> None:
    assert post(client, body=b"x" * 3 * 1024 * 1024) == 200
    assert small_stream.backlog().events == 1


class Endless(io.RawIOBase):
    """A body without an end; counts what was read of it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.taken += len(buffer)
        return len(buffer)


def test_an_oversized_body_is_refused_before_it_is_read(client: Client, small_stream: EventStream) -> None:
    body = Endless()
    environ = environ_of(b"") | {"CONTENT_LENGTH": str(MAX_BYTES + 1), "wsgi.input": body}
    assert asked(client, environ) == 413
    assert (body.taken, small_stream.backlog().events) == (0, 0)


CHUNKED = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


def test_an_oversized_body_without_a_length_is_read_no_further_than_the_limit(client: Client) -> None:
    body = Endless()
    assert asked(client, environ_of(b"") | CHUNKED | {"wsgi.input": body}) == 413
    assert body.taken <= MAX_BYTES + 1


def test_a_chunked_body_is_taken(client: Client) -> None:
    assert asked(client, environ_of(BODY) | CHUNKED | {"wsgi.input": io.BytesIO(BODY)}) == 200


@pytest.mark.parametrize("length", ["-1", "1e3", "²", "9" * 30])
def test_a_length_that_is_none_is_a_bad_request(small_stream: EventStream, length: str) -> None:
    environ = EnvironBuilder(path=PATH, method="POST").get_environ() | {"CONTENT_LENGTH": length}
    assert WebhookEndpoint([SECRET], None, small_stream).answer(environ).status == 400


def test_other_methods_are_not_allowed(client: Client) -> None:
    reply = client.put(PATH)
    assert (reply.status_code, {"GET", "POST"} <= set(reply.headers["Allow"].replace(" ", "").split(","))) == (
        405,
        True,
    )


def test_at_its_bound_the_stream_takes_nothing_and_meta_sends_it_again(
    client: Client, small_stream: EventStream
) -> None:
    assert [post(client) for _ in range(4)] == [200, 200, 200, 503]
    assert small_stream.backlog().events == 3


def test_a_full_redis_is_a_503(redis: Redis, small_stream: EventStream) -> None:
    redis.config_set("maxmemory", 1)
    try:
        assert post(client_of(WebhookEndpoint([SECRET], None, small_stream))) == 503
    finally:
        redis.config_set("maxmemory", 0)


def test_the_log_holds_neither_body_nor_query(small_stream: EventStream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(WebhookEndpoint([SECRET], "verify-me", EventStream(small_stream.redis, bound=0)))
    post(client)
    client.get(PATH, query_string={"hub.verify_token": "secret-guess"})
    assert "hola" not in caplog.text
    assert "secret-guess" not in caplog.text
