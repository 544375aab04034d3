"""Browsers by names that people know."""

import pytest

from admin.auth.browser_name import browser_name

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Edg/131.0.0.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/18.1 Safari/605.1.15", "Safari on macOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_WEBKIT} Version/18.1 Mobile/15E148 Safari/604.1",
         "Safari on iPhone"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_WEBKIT} CriOS/131.0 Mobile/15E148 Safari/604.1",
         "Chrome on iPhone"),
        (f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {_CHROME} SamsungBrowser/27.0", "Samsung Internet on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64) Unheard/1.0", "A browser on Linux"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown"),
        ("<script>alert(1)</script>", "Unknown"),
        ("Firefox/" * 100_000, "Firefox"),
    ],
)  # fmt: skip
def test_a_browser_is_named_by_itself_and_its_system(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
