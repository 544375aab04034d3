"""Secures the panel in a browser: session cookie, CSRF token, response headers, local redirects."""

import hmac
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, after_this_request, current_app, g, request, session

from admin.auth.sign_in import SignedInUser, signed_in_user
from jobs.core.runtime import Runtime
from models.crypto import new_token

PANEL = "/admin"
_SESSION_KEY = "who"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOURS_12 = 12 * 3600
_DAYS_365 = 365 * 86_400
_DAYS_180 = 180 * 86_400
"""For so long a browser that was here asks by https alone; without subdomains and preload, which nobody can take back quickly."""
DEVICE_COOKIE = "hark_device"
_MAX_BYTES = 110 * 1024 * 1024
"""Enough for the largest media file of a template header (100 MB, docs/meta.md §6) with the rest of the form."""
_MAX_BYTES_SIGNED_OUT = 64 * 1024
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
    """Set up sessions, CSRF tokens and headers for everything under /admin."""
    app.config.update(
        SESSION_COOKIE_NAME="hark",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=rt.settings.public_url.startswith("https://"),
        SESSION_COOKIE_PATH=PANEL,
        PERMANENT_SESSION_LIFETIME=_HOURS_12,
    )
    app.before_request(_check_csrf_token)
    app.after_request(_add_headers)


def current_user() -> SignedInUser | None:
    """The signed-in user; None if nobody is signed in. Looked up once a request, so that a changed key ends a session at once."""
    if "user" not in g:
        key = session.get(_SESSION_KEY)
        g.user = signed_in_user(runtime(), key) if isinstance(key, str) else None
    user: SignedInUser | None = g.user
    return user


def start_session(user: SignedInUser) -> None:
    """Sign the user in with this browser: a new session with a new CSRF token."""
    session.clear()
    session.permanent = True
    session[_SESSION_KEY] = user.key
    g.user = user


def keep_device(device: str) -> None:
    """Let this browser keep the cookie by which it is known for the account that it signed in to."""

    @after_this_request
    def _set(response: Response) -> Response:
        response.set_cookie(
            DEVICE_COOKIE,
            device,
            max_age=_DAYS_365,
            httponly=True,
            samesite="Lax",
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
            path=PANEL,
        )
        return response


def end_session() -> None:
    """Sign this browser out."""
    session.clear()
    g.user = None


def runtime() -> Runtime:
    """The runtime of the application that serves this request."""
    return cast("Runtime", current_app.extensions["hark"])


def csrf_token() -> str:
    """The session's CSRF token, generated at the first use."""
    if "csrf" not in session:
        session["csrf"] = new_token()
    return str(session["csrf"])


def local_path(target: str | None, otherwise: str) -> str:
    """`target` if it is a path of the panel, else `otherwise`: a redirect never leaves the panel."""
    if not target or "\\" in target or not target.isprintable():
        return otherwise
    parts = urlsplit(target)
    is_ours = not parts.scheme and not parts.netloc and (parts.path == PANEL or parts.path.startswith(f"{PANEL}/"))
    return target if is_ours and "/../" not in parts.path and "//" not in parts.path else otherwise


def is_panel() -> bool:
    """Whether the request is for a path of the panel."""
    return request.path == PANEL or request.path.startswith(f"{PANEL}/")


def _check_csrf_token() -> None:
    """Answer 400 if a request that changes something lacks the CSRF token of the session.

    Runs before anything else reads the request.
    """
    if not is_panel() or request.method in _SAFE_METHODS:
        return
    request.max_content_length = _MAX_BYTES if current_user() else _MAX_BYTES_SIGNED_OUT
    expected = session.get("csrf")
    submitted = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token") or ""
    if not expected or not hmac.compare_digest(str(expected).encode(), submitted.encode()):
        g.why = "This form is too old, or came from somewhere else. Go back, reload the page and try again."
        abort(400)


def _add_headers(response: Response) -> Response:
    if current_app.config["SESSION_COOKIE_SECURE"]:  # PUBLIC_URL is https
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_DAYS_180}")
    if is_panel():
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith((f"{PANEL}/assets/", f"{PANEL}/static/")):
            response.headers.setdefault("Cache-Control", "no-store")
    return response
