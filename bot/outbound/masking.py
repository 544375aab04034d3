"""Masks the values of secrets in what a called service answered, before any of it is stored or shown."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "•••"
_SHORTEST_ENCODED = 8
"""A shorter piece of Base64 would also be found where it means nothing."""


class Masker:
    """Masks these values, also in the encodings in which a service may repeat a header or a body."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, forms)), re.IGNORECASE) if forms else None

    def mask(self, part: Any) -> Any:
        """Return JSON with every value masked: in texts, in keys, and where it is a number."""
        if self._pattern is None or part is None or isinstance(part, bool):
            return part
        if isinstance(part, str):
            return self._pattern.sub(MASK, part)
        if isinstance(part, list):
            return [self.mask(item) for item in part]
        if isinstance(part, dict):
            return {self._pattern.sub(MASK, key): self.mask(value) for key, value in part.items()}
        return MASK if self._pattern.search(str(part)) else part


def _forms(value: str) -> Iterator[str]:
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield html.escape(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    raw = value.encode()
    yield raw.hex()
    for place in range(3):
        # Base64 of a text that has the value somewhere: the characters that nothing but the value decides.
        encoded = base64.b64encode(bytes(place) + raw).decode()
        own = encoded[(0, 2, 3)[place] : (place + len(raw)) * 8 // 6]
        if len(own) >= _SHORTEST_ENCODED:
            yield own
            yield own.replace("+", "-").replace("/", "_")
