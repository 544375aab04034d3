"""The smallest bot flow."""

from typing import Any

DEFINITION: dict[str, Any] = {"name": "hello", "start": "a", "nodes": {"a": {"type": "message", "text": "Hi"}}}
