"""The front server's own short answers: one sentence that says what to do, as a page for browsers and as text for others."""

from http import HTTPStatus

from aiohttp import web

SERVER = {"Server": "hark"}
RETRY_SECONDS = 2
_SENTENCES = {
    400: "This is no request that can be answered.",
    404: "There is nothing at this address.",
    405: "This method is not allowed here.",
    408: "The request took too long to arrive.",
    411: "The request must say how long its body is.",
    413: "The request is larger than this server takes.",
    500: "Something went wrong here; the log says where.",
    502: "The panel stopped while it worked on this. Look whether it was done before you try again.",
    503: "The panel does not answer just now; it is being started or has too much to do. Try again in a moment.",
    504: "The panel took too long to answer. Look whether it was done before you try again.",
}


def error_page(request: web.BaseRequest, status: int, sentence: str | None = None) -> web.Response:
    """Return the answer for a status; 502 to 504 say when to try again."""
    phrase, sentence = HTTPStatus(status).phrase, sentence or _SENTENCES[status]
    headers = SERVER | {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if status in {502, 503, 504}:
        headers["Retry-After"] = str(RETRY_SECONDS)
    if "text/html" not in request.headers.get("Accept", ""):
        return web.Response(status=status, text=f"{sentence}\n", headers=headers)
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{phrase}</title><h1>{phrase}</h1><p>{sentence}</p></html>\n"
    )
    return web.Response(status=status, text=html, content_type="text/html", headers=headers)


def raw_answer(status: int) -> bytes:
    """Return the bytes of an answer to a connection that is not read any further."""
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: hark\r\nRetry-After: {RETRY_SECONDS}\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()
