"""Escapes the value of a URL button's variable by its place in the URL, since Meta inserts it as it comes (docs/meta.md §2.3)."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from models.templates.placeholder import PLACEHOLDER

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_ESCAPED = re.compile(r"(%[0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
_STRUCTURE = "/?&="
"""What a value may hold as the structure of the URL, where it is a path with a query by itself."""


@dataclass(frozen=True, slots=True)
class UrlPlace:
    """Where the variable of a button's URL stands. `safe` are the characters besides the unreserved ones that stay as they are."""

    safe: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Read the place of the first variable of the URL.

        A value that is the whole rest of the URL may be a path and a query of its own. Inside a path it may be several segments. As
        a value in a query or a fragment it is one piece of text, and nothing of it may end the value.
        """
        found = PLACEHOLDER.search(url)
        if found is None:
            return cls("")
        before = _ORIGIN.sub("", url[: found.start()], count=1)
        is_end = found.end() == len(url)
        if "#" in before or "?" in before:
            return cls(_STRUCTURE if is_end and before[-1] in "?#" else "")
        return cls(_STRUCTURE if is_end else "/")

    def escaped(self, value: str) -> str:
        """The value percent-encoded. A well-formed escape (`%20`) stays, any other `%` becomes `%25`."""
        if _UNRESERVED.fullmatch(value):
            return value
        return "".join(
            part if _ESCAPED.fullmatch(part) else quote(part, safe=self.safe) for part in _ESCAPED.split(value)
        )
