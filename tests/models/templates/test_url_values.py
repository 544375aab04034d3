"""The value of a URL button's variable, escaped by its place."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.templates.url_values import UrlPlace


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("50%off", "50%25off"),
        ("%", "%25"),
        ("a&b=c", "a%26b%3Dc"),
        ("+34600570001", "%2B34600570001"),
        ("a+b", "a%2Bb"),
        ("x#y", "x%23y"),
        ("a b", "a%20b"),
        ("a%20b", "a%20b"),
        ("a%2", "a%252"),
        ("a/b?c", "a%2Fb%3Fc"),
        ("caf\u00e9 \U0001f600", "caf%C3%A9%20%F0%9F%98%80"),
        ("a:b|c,d@e", "a%3Ab%7Cc%2Cd%40e"),
        ("A-z_0.9~", "A-z_0.9~"),
    ],
)
def test_a_value_in_a_query_is_escaped_whole(value: str, escaped: str) -> None:
    assert UrlPlace.of("https://shop.example.com/s?c={{1}}").escaped(value) == escaped


@pytest.mark.parametrize(
    ("url", "escaped"),
    [
        ("https://x.test/{{1}}", "a/b?c=d&e%23f"),
        ("https://x.test/p/{{code}}", "a/b?c=d&e%23f"),
        ("https://x.test?{{1}}", "a/b?c=d&e%23f"),
        ("https://x.test/s?a=1&{{1}}", "a%2Fb%3Fc%3Dd%26e%23f"),
        ("https://x.test/s?u=https://y.test/{{1}}", "a%2Fb%3Fc%3Dd%26e%23f"),
        ("https://x.test/s#top={{1}}", "a%2Fb%3Fc%3Dd%26e%23f"),
        ("https://x.test/s#{{1}}", "a/b?c=d&e%23f"),
        ("https://x.test/{{1}}/end", "a/b%3Fc%3Dd%26e%23f"),
        ("https://x.test/{{1}}?c={{2}}", "a/b%3Fc%3Dd%26e%23f"),
    ],
)
def test_the_structure_of_a_url_stays_where_the_variable_is_a_path_or_the_whole_rest(url: str, escaped: str) -> None:
    assert UrlPlace.of(url).escaped("a/b?c=d&e#f") == escaped


@given(st.text().filter(lambda text: "%" not in text))
def test_a_value_in_a_query_comes_back_whole(value: str) -> None:
    value = value.encode("utf-8", "ignore").decode()
    url = "https://x.test/s?c=" + UrlPlace.of("https://x.test/s?c={{1}}").escaped(value) + "&d=1"
    parts = urlsplit(url)
    assert parse_qs(parts.query, keep_blank_values=True, errors="strict") == {"c": [value], "d": ["1"]}
    assert not parts.fragment


@given(st.text())
def test_a_value_in_a_path_leaves_no_character_that_a_url_may_not_hold(value: str) -> None:
    value = value.encode("utf-8", "ignore").decode()
    escaped = UrlPlace.of("https://x.test/{{1}}").escaped(value)
    assert escaped.isascii()
    assert not set(escaped) & set(' "<>\\^`{|}#')
    assert unquote(escaped) == unquote(value)
