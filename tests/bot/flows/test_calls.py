"""Addresses that a flow can never call are refused when it is loaded."""

import pytest

from bot.flows.calls import Place
from bot.flows.load import read_flow
from bot.outbound.rules import OutboundRules
from models.outbound_targets import parse_targets

HTTP = "name: x\nstart: a\nnodes:\n  a:\n    type: http\n    url: {url}\n"
EXTERNAL = "name: x\nkind: external\nurl: {url}\n"
OWN = frozenset({"hark.acme.com"})


def problems(text: str, allow: str = "") -> tuple[str, ...]:
    return read_flow(text, "f", Place(OutboundRules(parse_targets(allow), own_hosts=OWN))).problems


@pytest.mark.parametrize("text", [HTTP, EXTERNAL])
@pytest.mark.parametrize(
    "url",
    [
        "http://api.acme.com/", "https://127.0.0.1/", "https://127.1/", "https://0177.0.0.1/", "https://0x7f000001/",
        "https://2130706433/", "https://127。0。0。1/", "https://①②⑦.0.0.1/", "https://127.0.0.1./", "https://10.1.2.3/",
        "https://192.168.0.1:8443/", "https://169.254.169.254/latest", "https://100.100.100.200/", "https://168.63.129.16/",
        "'https://[::1]/'", "'https://[fe80::1%25eth0]/'", "'https://[::ffff:10.0.0.1]/'", "'https://[64:ff9b::7f00:1]/'",
        "'https://[64:ff9b:1::7f00:1]/'", "'https://[fd00:ec2::254]/'", "'https://[2002:7f00:1::]/'", "https://localhost/",
        "https://a.localhost/", "https://bot/", "https://bot.internal./", "https://metadata.google.internal/", "https://nas.local/",
        "https://hark.acme.com/", "https://HARK.acme.com.:8443/", "https://user:hunter2@api.acme.com/",
        "https://:hunter2@api.acme.com/", "https://user@api.acme.com/", "https://%31%32%37.0.0.1/", "https://api.acme.com:0x50/",
        "https://api.acme.com:99999/", "'https://[::1/'", "ftp://api.acme.com/", "https://0/",
    ],
)  # fmt: skip
def test_an_address_that_is_never_called_is_refused_with_its_place(text: str, url: str) -> None:
    (problem,) = problems(text.replace("{url}", url))
    where = "f:6: nodes.a.url: " if "nodes" in text else "f:3: url: "
    assert problem.startswith(where)
    assert "\n" not in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("text", [HTTP, EXTERNAL])
@pytest.mark.parametrize(
    ("url", "allow"),
    [
        ("https://api.acme.com/", ""),
        ("https://xn--bcher-kva.com/", ""),
        ("https://8.8.8.8/", ""),
        ("http://bot.internal:8080/", "bot.internal:8080"),
        ("http://bot.internal:8080/", "10.0.0.0/8"),
        ("https://10.1.2.3/", "10.0.0.0/8"),
        ("http://127.0.0.1:9000/", "127.0.0.1:9000"),
        ("https://hark.acme.com/bot", "hark.acme.com"),
    ],
)
def test_public_addresses_and_what_the_operator_allows_are_loaded(text: str, url: str, allow: str) -> None:
    assert problems(text.replace("{url}", url), allow) == ()


def test_a_name_in_the_path_changes_nothing() -> None:
    assert problems(HTTP.replace("{url}", "https://api.acme.com/{phone}?a={country}")) == ()
    assert len(problems(HTTP.replace("{url}", "https://10.0.0.1/{phone}"))) == 1
