"""The panel believes an address of the front server, and of nobody else."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from admin.front.panel_link import PEER_HEADER, panel_socket, peer_token, with_peer_address
from models.errors import OperatorError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "the secret key"
TOKEN = peer_token(KEY)


def say_address(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    start_response("200 OK", [])
    assert "HTTP_X_HARK_PEER" not in environ, "nobody behind sees the token"
    return [str(environ.get("REMOTE_ADDR")).encode()]


def address_seen(claim: str | None, secret_key: str = KEY) -> str:
    client = Client(with_peer_address(say_address, secret_key))
    headers = {} if claim is None else {PEER_HEADER: claim}
    return client.get("/", headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"}).text


def test_with_the_token_the_address_is_the_clients() -> None:
    assert address_seen(f"203.0.113.7 {TOKEN}") == "203.0.113.7"
    assert address_seen(f"2001:db8::1 {TOKEN}") == "2001:db8::1"


@pytest.mark.parametrize(
    "claim",
    [
        None,
        "",
        "203.0.113.7",
        "203.0.113.7 ",
        "203.0.113.7 guess",
        f"203.0.113.7 {TOKEN}x",
        f"203.0.113.7,{TOKEN}",
        "1 ż",
    ],
)
def test_without_it_the_header_counts_for_nothing(claim: str | None) -> None:
    assert address_seen(claim) == "127.0.0.1"


def test_without_a_secret_key_nobody_is_believed() -> None:
    assert address_seen(f"203.0.113.7 {peer_token('')}", secret_key="") == "127.0.0.1"


def test_each_installation_has_a_token_of_its_own() -> None:
    assert len({peer_token(key) for key in ("a", "b", "the secret key")}) == 3


def test_a_directory_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "panel").write_text("a file")
    with pytest.raises(OperatorError, match="cannot keep the panel's socket in"):
        panel_socket(tmp_path)
