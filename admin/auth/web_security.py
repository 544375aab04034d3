"""What keeps the panel safe in a browser: the session's cookie, the CSRF token, the headers, local redirects."""

import hmac
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request, session

from admin.auth.sign_in import SignedInUser, signed_in_user
from jobs.core.runtime import Runtime
from models.crypto import new_token

PANEL = "/admin"
_WHO = "who"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOURS_12 = 12 * 3600
_MAX_BYTES = 110 * 1024 * 1024
"""The largest medium that a template may have, and some."""
_MAX_BYTES_OF_A_STRANGER = 64 * 1024
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def init_app(app: Flask, rt: Runtime) -> None:
    """Sessions, tokens and headers for everything under /admin."""
    app.config.update(
        SESSION_COOKIE_NAME="hark",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=rt.settings.public_url.startswith("https://"),
        SESSION_COOKIE_PATH=PANEL,
        PERMANENT_SESSION_LIFETIME=_HOURS_12,
    )
    app.before_request(_check_token)
    app.after_request(_add_headers)


def current_user() -> SignedInUser | None:
    """Who is signed in, if anybody is; looked up once a request, so that a changed key ends a session at once."""
    if "person" not in g:
        key = session.get(_WHO)
        g.person = signed_in_user(runtime(), key) if isinstance(key, str) else None
    found: SignedInUser | None = g.person
    return found


def start_session(someone: SignedInUser) -> None:
    """Sign them in with this browser, with a session and a token of their own."""
    session.clear()
    session.permanent = True
    session[_WHO] = someone.key
    g.person = someone


def end_session() -> None:
    """Sign out of this browser."""
    session.clear()
    g.person = None


def runtime() -> Runtime:
    """The runtime of the application that serves this request."""
    return cast("Runtime", current_app.extensions["hark"])


def csrf_token() -> str:
    """This session's token, made when a form first needs it."""
    if "csrf" not in session:
        session["csrf"] = new_token()
    return str(session["csrf"])


def local_path(target: str | None, otherwise: str) -> str:
    """`target` where it is a path of the panel and nothing else, else `otherwise`."""
    if not target or "\\" in target or not target.isprintable():
        return otherwise
    parts = urlsplit(target)
    is_ours = not parts.scheme and not parts.netloc and (parts.path == PANEL or parts.path.startswith(f"{PANEL}/"))
    return target if is_ours and "/../" not in parts.path and "//" not in parts.path else otherwise


def is_panel() -> bool:
    """Whether the request is for the panel."""
    return request.path == PANEL or request.path.startswith(f"{PANEL}/")


def _check_token() -> None:
    """Whoever changes something shows the token of the session. 400 without it, before anything else looks at the request."""
    if not is_panel() or request.method in _SAFE:
        return
    request.max_content_length = _MAX_BYTES if current_user() else _MAX_BYTES_OF_A_STRANGER
    expected = session.get("csrf")
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token") or ""
    if not expected or not hmac.compare_digest(str(expected).encode(), given.encode()):
        g.why = "This form is too old, or came from somewhere else. Go back, reload the page and try again."
        abort(400)


def _add_headers(response: Response) -> Response:
    if is_panel():
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith((f"{PANEL}/assets/", f"{PANEL}/static/")):
            response.headers.setdefault("Cache-Control", "no-store")
    return response
