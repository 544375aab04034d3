"""What any webhook endpoint must do at least: read, verify, append. The yardstick of `ingest_bench`."""

import hmac
import os
from collections.abc import Iterable
from typing import Any

from redis import Redis

SECRET = os.environ["META_APP_SECRET"].encode()
redis = Redis.from_url(os.environ["REDIS_URL"])


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    signature = "sha256=" + hmac.digest(SECRET, raw, "sha256").hex()
    if not hmac.compare_digest(signature, environ.get("HTTP_X_HUB_SIGNATURE_256", "")):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    redis.xadd("bare", {"b": raw})
    start_response("200 OK", [("Content-Length", "2")])
    return [b"OK"]
