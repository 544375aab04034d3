"""Secures the panel in a browser: session cookie, CSRF token, response headers, local redirects."""

import hmac
import logging
from datetime import timedelta
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, after_this_request, current_app, g, request, session
from sqlalchemy.exc import SQLAlchemyError

from admin.auth.body_sizes import MAX_BYTES, MAX_BYTES_SIGNED_OUT
from admin.auth.browser_name import browser_name
from admin.auth.client_address import client_address
from admin.auth.sessions import (
    SEEN_EVERY,
    OpenSession,
    SessionOrigin,
    begin_session,
    complete_session,
    confirm_session,
    find_session,
    note_seen,
)
from admin.auth.signed_in_user import SignedInUser
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.crypto import new_token
from models.tables.browser_session import SignInMethod

log = logging.getLogger("hark.sign_in")

PANEL = "/admin"
_COOKIE_FIELD = "token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE_FOR = timedelta(days=31)
"""Longer than any session: when one ends is decided at the server (models.browser_sessions)."""
_DAYS_365 = 365 * 86_400
_DAYS_180 = 180 * 86_400
"""For so long a browser that was here asks by https alone; without subdomains and preload, which nobody can take back quickly."""
DEVICE_COOKIE = "hark_device"
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
        PERMANENT_SESSION_LIFETIME=_COOKIE_FOR,
        # Else the answer to a request from before a token was renewed would put the old one back.
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.before_request(_check_csrf_token)
    app.after_request(_add_headers)


def current_session() -> OpenSession | None:
    """The session of the signed-in user; None if nobody is signed in. Looked up once a request."""
    found = _session_of_cookie()
    return found if found is not None and found.is_complete else None


def pending_session() -> OpenSession | None:
    """The session of a user who was recognised and whose sign-in lacks a step; None if there is none."""
    found = _session_of_cookie()
    return found if found is not None and not found.is_complete else None


def current_user() -> SignedInUser | None:
    """The signed-in user; None if nobody is signed in."""
    found = current_session()
    return None if found is None else found.user


def begin_sign_in(user: SignedInUser, method: SignInMethod) -> None:
    """Begin a pending session for a user who was recognised, with a new CSRF token. No page opens before `complete_sign_in`.

    Raises OperatorError if the user was changed meanwhile.
    """
    address, _ = attempt_origin()
    origin = SessionOrigin(address, browser_name(request.headers.get("User-Agent", "")))
    token = begin_session(runtime(), user, method, origin, utcnow(), replaces=session.get(_COOKIE_FIELD))
    session.clear()
    session.permanent = True
    keep_token(token)


def complete_sign_in(method: SignInMethod | None = None) -> None:
    """Sign the user of the pending session in. `method` is of the last step, if there was one after the first.

    Raises OperatorError if the session is over.
    """
    keep_token(complete_session(runtime(), str(session.get(_COOKIE_FIELD)), utcnow(), method))


def confirm_user(open_session: OpenSession, method: SignInMethod) -> None:
    """Note that the user proved again that it is them. Raises OperatorError if the session ended meanwhile."""
    keep_token(confirm_session(runtime(), open_session, method, utcnow()))


def keep_token(token: str) -> None:
    """Have the browser keep the token of its session; what was known of the session before is read again."""
    session[_COOKIE_FIELD] = token
    g.pop("open_session", None)


def _session_of_cookie() -> OpenSession | None:
    if "open_session" not in g:
        token, now = session.get(_COOKIE_FIELD), utcnow()
        found = find_session(runtime(), token, now) if isinstance(token, str) else None
        g.open_session = found
        if found is not None and now - found.last_seen_at > SEEN_EVERY and not _is_live():
            _note_seen(found)
    kept: OpenSession | None = g.open_session
    return kept


def _is_live() -> bool:
    """Whether the page asks by itself, every few seconds: that is nobody's doing."""
    return (request.endpoint or "").endswith(".live")


def _note_seen(found: OpenSession) -> None:
    try:
        note_seen(runtime(), found.id, utcnow())
    except SQLAlchemyError as error:  # a page that can be read is shown, also while the database takes no writes
        log.warning("the use of a session was not noted: %s", type(error).__name__)


def attempt_origin() -> tuple[str, str | None]:
    """The client's address, and the cookie by which its browser is known for an account (admin.auth.attempts)."""
    return client_address(request, runtime().settings.trusted_proxies), request.cookies.get(DEVICE_COOKIE)


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


def forget_session() -> None:
    """Have the browser forget its session."""
    session.clear()
    g.open_session = None


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
    request.max_content_length = MAX_BYTES if current_user() else MAX_BYTES_SIGNED_OUT
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
