"""Where a tracked link may lead, and which bases phones reach."""

import pytest

from models.templates.link_urls import MAX_URL, ascii_url, reach_problem, url_problem

SHOP = "https://shop.example.com/"


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        (SHOP, SHOP),
        (f"  {SHOP}a?x=1&y=%20#z ", f"{SHOP}a?x=1&y=%20#z"),
        ("HTTPS://Shop.Example.com:8443/A", "https://shop.example.com:8443/A"),
        ("https://bücher.example/größe?q=ü", "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe?q=%C3%BC"),
        (f"{SHOP}100%", f"{SHOP}100%25"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        (SHOP + "a" * (MAX_URL - len(SHOP)), SHOP + "a" * (MAX_URL - len(SHOP))),
    ],
)
def test_an_https_address_is_where_a_link_leads_in_ascii(url: str, plain: str) -> None:
    assert url_problem(url) is None
    assert ascii_url(url) == plain
    assert ascii_url(plain) == plain


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (None, "url is missing"),
        ("  ", "url is missing"),
        (7, "url is missing"),
        ("http://shop.example.com", "an https address"),
        ("javascript:alert(1)", "an https address"),
        ("//shop.example.com", "an https address"),
        ("https:///x", "an https address"),
        ("https://me:secret@shop.example.com", "an https address"),
        ("https://shop.example.com:99999", "an https address"),
        ("https://[::1", "an https address"),
        ("https://shop.example.com/{{1}}", "without placeholders"),
        ("https://shop.example.com/{name}", "without placeholders"),
        ("https://shop.example.com/a b", "no spaces"),
        ("https://shop.example.com/a\r\nSet-Cookie: x", "no spaces"),
        ("https://shop.example.com\\@evil.example", "no spaces"),
        (SHOP + "a" * MAX_URL, "allowed are at most 2000"),
        (SHOP + "ü" * 400, "allowed are at most 2000"),
        ("https://" + "ü" * 70 + ".example", "an https address"),
    ],
)
def test_anything_else_is_refused_with_the_reason(url: object, why: str) -> None:
    assert why in (url_problem(url) or "")


@pytest.mark.parametrize("base", ["https://go.example.com", "https://hark.example.co.uk:8443/x"])
def test_an_https_base_with_a_public_name_is_reached(base: str) -> None:
    assert reach_problem(base, is_simulated=False) is None


@pytest.mark.parametrize(
    "base",
    [
        "http://go.example.com",
        "https://localhost",
        "https://hark",
        "https://127.0.0.1",
        "https://10.0.0.5:8443",
        "https://203.0.113.7",
        "https://[2001:db8::1]",
        "https://hark.local",
        "https://hark.internal.",
        "https://-x.example.com",
    ],
)
def test_any_other_base_is_not_reached(base: str) -> None:
    assert "Phones cannot open tracked links" in str(reach_problem(base, is_simulated=False))


def test_simulated_phones_reach_this_machine_alone() -> None:
    for base in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"):
        assert reach_problem(base, is_simulated=True) is None
    assert reach_problem("http://10.0.0.5", is_simulated=True) is not None
