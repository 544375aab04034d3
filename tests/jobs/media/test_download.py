"""Adding a file from an address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.outbound.client import OutboundHttpClient
from bot.outbound.rules import OutboundRules
from jobs.core.runtime import Runtime
from jobs.media import download
from jobs.media.download import add_from_url
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.media import MediaFile
from tests.support.media import PDF, PNG
from tests.support.tls_server import Outsider, Reply, outsider

EVERYWHERE = OutboundRules(is_public=lambda _address: True)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Outsider]:
    with outsider(tmp_path) as found:
        yield found


def fetch(rt: Runtime, web: Outsider, path: str, reply: Reply, header_format: str | None = None) -> MediaFile:
    web.answers = [reply]
    return add_from_url(
        rt, f"{web.url}{path}", "ana@example.com", utcnow(), header_format, rules=EVERYWHERE, tls=web.tls
    )


def test_what_an_address_answers_with_is_added_under_the_name_in_it(bare_rt: Runtime, web: Outsider) -> None:
    row = fetch(bare_rt, web, "/pictures/spring%20sale.png?v=2", (200, {"Content-Type": "text/html"}, PNG))
    assert (row.name, row.mime_type, row.size_bytes) == ("spring sale.png", "image/png", len(PNG))
    _, headers, _ = web.requests[0]
    assert headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in headers


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ((302, {"Location": "https://127.0.0.1/"}, b""), r"a\.png: the address answers with a redirect \(302\)"),
        ((404, {}, PNG), r"a\.png: the address answers with HTTP 404"),
        ((503, {}, PNG), r"a\.png: the address answers with HTTP 503"),
        ((200, {"Content-Encoding": "gzip"}, PNG), r"a\.png: the content is compressed"),
        ((200, {"Content-Type": "image/png"}, PDF), r"a\.png is a PDF, not a picture"),
        ((200, {}, b""), r"a\.png is empty"),
    ],
)
def test_an_address_without_a_file_is_refused_in_one_line(
    bare_rt: Runtime, web: Outsider, reply: Reply, line: str
) -> None:
    with pytest.raises(OperatorError, match=line) as caught:
        fetch(bare_rt, web, "/a.png", reply)
    assert "\n" not in str(caught.value)
    assert len(web.requests) == 1
    assert list((bare_rt.settings.var_dir / "incoming").iterdir()) == []


def test_a_long_content_is_not_read_to_its_end(
    bare_rt: Runtime, web: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1024 * 1024)
    with pytest.raises(OperatorError, match="the content is longer than 1 MB"):
        fetch(bare_rt, web, "/a.png", (200, {}, PNG + b"\0" * 1024 * 1024))
    with pytest.raises(OperatorError, match="longer than 5 MB"):
        fetch(bare_rt, web, "/a.png", (200, {}, PNG + b"\0" * 6 * 1024 * 1024), "IMAGE")


def test_a_private_address_is_not_asked(bare_rt: Runtime, web: Outsider) -> None:
    web.answers = [(200, {}, PNG)]
    for url in (
        web.url,
        web.url.replace("localhost", "127.0.0.1"),
        "https://10.0.0.1/a.png",
        "http://example.com/a.png",
    ):
        with pytest.raises(OperatorError, match="allowed"):
            add_from_url(bare_rt, f"{url}/a.png", "ana@example.com", utcnow(), tls=web.tls)
    assert web.requests == []


def test_a_slow_address_is_given_up(bare_rt: Runtime, web: Outsider, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(_self: OutboundHttpClient) -> None:
        raise TimeoutError

    monkeypatch.setattr(OutboundHttpClient, "_open", give_up)
    with pytest.raises(OperatorError, match=r"a\.png: the address does not answer \(TimeoutError\)"):
        fetch(bare_rt, web, "/a.png", (200, {}, PNG))
