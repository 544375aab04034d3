"""Matches regular expressions that authors of flows write, with RE2: linear in the text, so that none can hang a worker."""

from functools import lru_cache
from typing import Any

import re2

MAX_MEMORY = 1 << 20  # bytes: a pattern that compiles to more is refused


def problem_with_pattern(pattern: str) -> str | None:
    """Return why a regular expression cannot be used (RE2 syntax), or None."""
    try:
        _compiled(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else "it does not compile"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        return f"{pattern!r} is no regular expression (RE2 syntax): {text}"
    return None


def matches_whole(pattern: str, text: str) -> bool:
    """Return whether the pattern matches the whole text. Raises re2.error if the pattern does not compile."""
    return _compiled(pattern).fullmatch(_encodable(text)) is not None


def matches_somewhere(pattern: str, text: str) -> bool:
    """Return whether the pattern matches anywhere in the text. Raises re2.error if the pattern does not compile."""
    return _compiled(pattern).search(_encodable(text)) is not None


@lru_cache(maxsize=500)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    return re2.compile(pattern, options)  # type: ignore[no-untyped-call]


def _encodable(text: str) -> str:
    """Replace lone surrogates, which JSON may carry and UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")
