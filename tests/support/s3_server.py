"""A small S3-compatible store over real HTTP, which checks each request's signature by itself (AWS Signature Version 4).

Written from Amazon's description of the signature: canonical request, string to sign, derived key. It knows single and multipart
uploads, reading, deleting and listing in pages of three.
"""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

KEY_ID, SECRET, REGION, BUCKET = "AKIDEXAMPLE", "s3-secret/+=", "eu-west-1", "hark-media"
PAGE = 3
_MODIFIED_ISO, _MODIFIED_HTTP = "2026-11-27T09:00:00.000Z", "Fri, 27 Nov 2026 09:00:00 GMT"


@dataclass
class S3Store:
    """What the server holds. `refusals`: requests whose signature was wrong. `is_down`: every answer is 503."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    is_down: bool = False


@contextmanager
def s3_server() -> Iterator[S3Store]:
    """A store with one empty bucket, on a port of its own."""
    store = S3Store()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (S3Handler,), {"store": store}))
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def signature_problem(method: str, target: str, headers: dict[str, str], body: bytes) -> str | None:
    """What is wrong with a request's signature; None if it is right. Names of headers are in lower case."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme != "AWS4-HMAC-SHA256" or not {"Credential", "SignedHeaders", "Signature"} <= parts.keys():
        return "no signature"
    key_id, day, region, service, end = parts["Credential"].split("/")
    if (key_id, region, service, end) != (KEY_ID, REGION, "s3", "aws4_request"):
        return f"credential {parts['Credential']}"
    if hashlib.sha256(body).hexdigest() != headers.get("x-amz-content-sha256"):
        return "the content is not what was signed"
    signed = parts["SignedHeaders"].split(";")
    if not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(signed):
        return "too little is signed"
    url = urlsplit(target)
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(parse_qsl(url.query, keep_blank_values=True))
    )
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed]
    path = quote(unquote(url.path), safe="/-_.~")
    canonical = "\n".join([method, path, query, *lines, "", ";".join(signed), headers["x-amz-content-sha256"]])
    moment = headers["x-amz-date"]
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", moment, f"{day}/{region}/s3/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{SECRET}".encode()
    for step in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    wanted = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    if not moment.startswith(day) or not hmac.compare_digest(wanted, parts["Signature"]):
        return "SignatureDoesNotMatch"
    return None


class S3Handler(BaseHTTPRequestHandler):
    """Answers for one store."""

    store: S3Store
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.store.requests.append((self.command, self.path))
        if self.store.is_down:
            self._answer(503, b"<Error><Code>SlowDown</Code></Error>")
        elif problem := signature_problem(self.command, self.path, headers, body):
            self.store.refusals.append(problem)
            self._answer(403, f"<Error><Code>SignatureDoesNotMatch</Code><Message>{problem}</Message></Error>".encode())
        else:
            self._serve(body)

    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server's names

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        if bucket != BUCKET:
            self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        elif not key:
            self._list(query)
        elif self.command in {"GET", "HEAD"}:
            self._answer(200, self.store.objects[key]) if key in self.store.objects else self._answer(
                404, b"<Error><Code>NoSuchKey</Code></Error>"
            )
        elif self.command == "DELETE":
            self.store.uploads.pop(query.get("uploadId", ""), None)
            self.store.objects.pop(key, None)
            self._answer(204, b"")
        elif self.command == "PUT" and "partNumber" in query:
            self.store.uploads[query["uploadId"]][int(query["partNumber"])] = body
            self._answer(200, b"")
        elif self.command == "PUT":
            self.store.objects[key] = body
            self._answer(200, b"")
        elif "uploads" in query:
            upload_id = f"upload-{len(self.store.uploads)}"
            self.store.uploads[upload_id] = {}
            self._answer(
                200,
                f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>".encode(),
            )
        else:
            parts = self.store.uploads.pop(query["uploadId"])
            self.store.objects[key] = b"".join(parts[number] for number in sorted(parts))
            self._answer(200, b'<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>')

    def _list(self, query: dict[str, str]) -> None:
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        keys = [key for key in sorted(self.store.objects) if key.startswith(prefix) and key > after]
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{_MODIFIED_ISO}</LastModified><ETag>&quot;x&quot;</ETag>"
            f"<Size>{len(self.store.objects[key])}</Size></Contents>"
            for key in keys[:PAGE]
        )
        more = f"<NextContinuationToken>{escape(keys[PAGE - 1])}</NextContinuationToken>" if len(keys) > PAGE else ""
        self._answer(
            200, f"<ListBucketResult>{entries}{more}<KeyCount>{len(keys)}</KeyCount></ListBucketResult>".encode()
        )

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"x"')
        self.send_header("Last-Modified", _MODIFIED_HTTP)
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Silent."""
