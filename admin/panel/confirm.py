"""Asks a signed-in user to prove again that it is them, and then goes on with what they wanted (admin.auth.confirmation).

A form that is sent without a proof is answered with this page, which holds its fields: it is sent again together with the proof.
A page that is opened without one leads here and is opened afterwards.
"""

from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from admin.auth.attempts import TooManyAttemptsError, count_outcome
from admin.auth.confirmation import EXPORTS, needs_confirmation
from admin.auth.sessions import OpenSession
from admin.auth.web_security import PANEL, confirm_user, current_session, local_path, runtime
from admin.panel.proofs import PROOFS, Proof
from models.clock import utcnow
from models.errors import OperatorError
from models.text import Text

FIELD = "confirm_with"
"""The field of a form that names the way of the proof that the form brings."""


def init_app(app: Flask) -> None:
    """Register the page."""
    app.add_url_rule(f"{PANEL}/confirm", "panel.confirm", confirm, methods=["GET", "POST"])


def confirm() -> ResponseReturnValue:
    """Prove that it is you, then open `next`."""
    open_session = current_session()
    if open_session is None:
        return redirect(url_for("panel.sign_in", next=request.values.get("next")))
    target = local_path(request.values.get("next"), url_for("admin.index"))
    if request.method == "GET":
        if open_session.is_confirmed(utcnow()):
            return redirect(target)
        return _page(open_session, target, None)
    refusal = _take_proof(open_session, target)
    if refusal is not None:
        return refusal
    if _endpoint(target) in EXPORTS:  # a file leaves this page on the screen
        return render_template("panel/confirmed.html", target=target, back=_back())
    return redirect(target, 303)


def confirmation_response() -> ResponseReturnValue | None:
    """None if the request may go on; else the page that asks for a proof first."""
    if not needs_confirmation(request.endpoint):
        return None
    open_session = current_session()
    if open_session is None or open_session.is_confirmed(utcnow()):
        return None
    if request.method != "POST":
        return redirect(url_for("panel.confirm", next=request.full_path.rstrip("?"), back=_back()), 303)
    if FIELD in request.form:
        return _take_proof(open_session, None)
    return _page(open_session, None, None)


def _take_proof(open_session: OpenSession, target: str | None) -> ResponseReturnValue | None:
    """Check the proof that the request brings; None if it is right, else the page again."""
    named = request.form.get(FIELD)
    proof = next((proof for proof in _offered(open_session) if proof.method == named), None)
    if proof is None:
        return _page(open_session, target, None)
    try:
        proof.check(open_session)
        confirm_user(open_session, proof.method)
    except TooManyAttemptsError as error:
        page, _ = _page(open_session, target, error.text)
        return page, 429, {"Retry-After": str(error.retry_after)}
    except OperatorError as error:
        return _page(open_session, target, error.text)
    count_outcome(runtime(), "confirmed")
    return None


def _page(open_session: OpenSession, target: str | None, error: Text | None) -> tuple[str, int]:
    """The page that asks. `target` is opened afterwards; without one the form of this request is sent again."""
    fields = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in {"csrf_token", "next", "back"} and not name.startswith("confirm_")
    ]
    page = render_template(
        "panel/confirm_user.html",
        someone=open_session.user,
        proofs=_offered(open_session),
        action=request.full_path.rstrip("?") if target is None else url_for("panel.confirm"),
        target=target,
        fields=fields if target is None else [],
        back=_back(),
        error=error,
    )
    return page, 200 if target is not None and request.method == "GET" else 401


def _offered(open_session: OpenSession) -> list[Proof]:
    return [proof for proof in PROOFS if proof.is_offered(open_session)]


def _back() -> str:
    """The page that the user came from."""
    return local_path(request.values.get("back") or _path_of_referrer(), url_for("admin.index"))


def _path_of_referrer() -> str | None:
    parts = urlsplit(request.referrer or "")
    return parts._replace(scheme="", netloc="").geturl() if parts.netloc == request.host else None


def _endpoint(target: str) -> str | None:
    try:
        endpoint, _ = current_app.url_map.bind("").match(target.partition("?")[0])
    except HTTPException:
        return None
    return str(endpoint)
