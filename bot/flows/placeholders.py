"""Replaces names in braces in a bot flow's texts. The names are a fixed list; there are no expressions.

`{first_name}` becomes the value, `{first_name|there}` the value or "there" if it is empty; `{{` and `}}` are braces.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlsplit

PLAIN_NAMES = ("name", "first_name", "phone", "language", "country", "campaign", "input")
FAMILIES = ("answers", "attribute", "tag", "form")
ALLOWED = ", ".join([*(f"{{{name}}}" for name in PLAIN_NAMES), *(f"{{{family}.…}}" for family in FAMILIES)])
MAX_VALUE = 1000  # characters of one value; a text is cut to its field's limit besides

PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
"""An escaped brace, or a name in braces."""

Values = Callable[[str], str]


def names_in(text: str) -> Iterator[str]:
    """Yield the names in a text, without their fallbacks."""
    for match in PART.finditer(text):
        if match[1] is not None:
            yield _split(match[1])[0]


def problem_with_name(name: str, answers: frozenset[str]) -> str | None:
    """Return why a name is not allowed in a text, or None; `answers` are the names of the answers that the flow stores."""
    if name in PLAIN_NAMES:
        return None
    family, _, key = name.partition(".")
    if family.strip().casefold() in {"secret", "secrets"}:
        return None  # bot.flows.secrets says where one may stand
    if family not in FAMILIES or not key:
        return f"'{{{name}}}' is no known name; allowed: {ALLOWED}"
    if family == "answers" and key not in answers:
        allowed_answers = ", ".join(sorted(answers)) or "none: no node of this flow keeps an answer"
        return f"'{{{name}}}' is no answer of this flow; allowed: {allowed_answers}"
    return None


def render(text: str, values: Values, max_length: int) -> str:
    """Return the text with its values, cut to `max_length` characters: Meta counts the values too and refuses longer texts."""
    rendered = fill(text, values).strip()
    return rendered if len(rendered) <= max_length else f"{rendered[: max_length - 1]}…"


def fill(text: str, values: Values) -> str:
    """Return the text with its values, as long as they make it."""
    return PART.sub(lambda match: _replacement(match, values, str), text)


def render_url(url: str, values: Values) -> str:
    """Return the address with its values percent-encoded, so that no value can add a path, a parameter or another host."""
    return PART.sub(lambda match: _replacement(match, values, _encoded), url)


def problem_with_url(url: str, *, schemes: tuple[str, ...] = ("https",)) -> str | None:
    """Return why an address cannot be used, or None. Names are allowed in path and query alone."""
    allowed = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return f"{url!r} is no address; allowed: {allowed} and a host"
    if parts.scheme not in schemes or not host:
        return f"{url!r} is no address; allowed: {allowed} and a host"
    if "@" in parts.netloc:
        return "an address has no user name and no password; a header can hold them, as {secret.NAME}"
    if "{" in parts.netloc:
        return f"{url!r}: the host must be literal; names may stand in path and query only"
    if re.search(r"[\s\x00-\x1f\x7f\\]", PART.sub("", url)):
        return f"{url!r}: an address has no spaces"
    return None


def _split(inside: str) -> tuple[str, str]:
    name, _, fallback = inside.partition("|")
    return name.strip(), fallback.strip()


def _replacement(match: re.Match[str], values: Values, clean: Callable[[str], str]) -> str:
    if match[1] is None:
        return match[0][0]
    name, fallback = _split(match[1])
    return clean((values(name) or fallback)[:MAX_VALUE])


def _encoded(value: str) -> str:
    # quote() leaves "." and ".." as they are, which would go up in the path
    return quote(value, safe="").replace(".", "%2E") if value.strip(".") == "" else quote(value, safe="")
