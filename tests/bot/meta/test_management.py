"""The management side of the Graph API: pages, errors, and whom our token is shown to."""

import json
from collections.abc import Callable

import httpx
import pytest

from bot.meta.management import MAX_BYTES, GraphAdmin, GraphError

BASE = "https://graph.facebook.com"
Answer = Callable[[httpx.Request], httpx.Response]


def graph(answer: Answer, **options: str) -> GraphAdmin:
    return GraphAdmin(BASE, "v25.0", "the-token", transport=httpx.MockTransport(answer), **options)


def always(status: int = 200, **answer: object) -> Answer:
    return lambda _request: httpx.Response(status, json=answer)


def test_every_page_of_templates_is_read_with_our_token() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if "after" in request.url.params:
            return httpx.Response(200, json={"data": [{"name": "two"}]})
        following = f"{BASE}/v25.0/1/message_templates?after=x"
        return httpx.Response(200, json={"data": [{"name": "one"}], "paging": {"next": following}})

    with graph(answer) as client:
        assert [item["name"] for item in client.templates("1")] == ["one", "two"]
    assert {request.headers["authorization"] for request in asked} == {"Bearer the-token"}


@pytest.mark.parametrize(
    "following",
    [
        "https://graph.facebook.com.evil.example/v25.0/1/message_templates",
        "http://graph.facebook.com/v25.0/1/message_templates",
        "https://graph.facebook.com:444/v25.0/1/message_templates",
        "https://graph.facebook.com@evil.example/",
        "https://[",
        "//evil.example/",
        7,
    ],
)
def test_a_next_page_elsewhere_never_sees_our_token(following: object) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"data": [], "paging": {"next": following}})

    with graph(answer) as client, pytest.raises(GraphError, match="another host"):
        client.templates("1")
    assert len(asked) == 1


def test_pages_without_end_are_given_up() -> None:
    with (
        graph(always(data=[], paging={"next": f"{BASE}/v25.0/1/x"})) as client,
        pytest.raises(GraphError, match="pages"),
    ):
        client.templates("1")


def test_no_redirect_is_followed() -> None:
    answer = httpx.Response(302, headers={"location": "https://evil.example/"})
    with graph(lambda _request: answer) as client, pytest.raises(GraphError, match="HTTP 302"):
        client.number("1")


def test_a_refusal_is_one_line_with_its_code() -> None:
    error = {"message": "(#100)\nno", "code": 100, "error_data": {"details": "because"}}
    with graph(always(400, error=error)) as client, pytest.raises(GraphError) as caught:
        client.number("1")
    assert (str(caught.value), caught.value.code, caught.value.is_transient) == (
        "Meta refused: (#100) no (because)",
        100,
        False,
    )


@pytest.mark.parametrize(
    ("status", "body", "is_transient"),
    [
        (200, b"<html>", False),
        (200, b"[]", False),
        (502, b"<html>bad gateway", True),
        (500, json.dumps({"error": {"message": "later", "code": 2}}).encode(), True),
        (400, json.dumps({"error": {"message": "slow down", "code": 80007, "error_data": "text"}}).encode(), True),
        (400, json.dumps({"error": {"message": "later", "code": "x", "is_transient": True}}).encode(), True),
        (200, b'{"data": "no list"}', False),
    ],
)
def test_nonsense_is_an_error_that_says_whether_it_may_pass(status: int, body: bytes, is_transient: bool) -> None:
    with graph(lambda _request: httpx.Response(status, content=body)) as client, pytest.raises(GraphError) as caught:
        client.templates("1")
    assert caught.value.is_transient is is_transient
    assert "\n" not in str(caught.value)
    assert "token" not in str(caught.value)


def test_an_answer_too_large_is_not_read_to_its_end() -> None:
    body = b"x" * (MAX_BYTES + 1)
    with graph(lambda _request: httpx.Response(200, content=body)) as client, pytest.raises(GraphError, match="MB"):
        client.number("1")


def test_a_graph_api_that_is_away_may_come_back() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    with graph(answer) as client, pytest.raises(GraphError) as caught:
        client.number("1")
    assert caught.value.is_transient


@pytest.mark.parametrize("identifier", ["1/../2", "me?x=1", "", "१२"])
def test_only_ids_go_into_a_path(identifier: str) -> None:
    with graph(always()) as client, pytest.raises(GraphError, match="no id"):
        client.number(identifier)


def test_the_proof_of_the_app_goes_with_every_call() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"data": [], "success": True})

    with graph(answer, app_secret="s") as client:
        client.subscribed_apps("1")
        client.subscribe_app("1")
    assert [len(url.params["appsecret_proof"]) for url in asked] == [64, 64]


def test_a_subscription_that_is_not_confirmed_is_an_error() -> None:
    with graph(always(success=False)) as client, pytest.raises(GraphError, match="did not confirm"):
        client.subscribe_app("1")


def test_a_template_is_handed_in_and_a_file_uploaded() -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        return httpx.Response(200, json={"id": "77", "status": "PENDING", "category": "MARKETING"})

    with graph(answer) as client:
        assert client.create_template("1", {"name": "spring"})["status"] == "PENDING"
        assert client.upload_media("1", "a.png", "image/png", b"bytes") == "77"
    assert json.loads(sent[0]) == {"name": "spring"}
    for part in (b'name="messaging_product"', b"whatsapp", b'filename="a.png"', b"image/png", b"bytes"):
        assert part in sent[1]


def test_an_upload_without_an_id_is_an_error() -> None:
    with graph(always()) as client, pytest.raises(GraphError, match="no id"):
        client.upload_media("1", "a.png", "image/png", b"bytes")
