"""Shows the pages for signing in and out and for changing one's password."""

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from admin.auth.attempts import TooManyAttemptsError, new_device
from admin.auth.client_address import client_address
from admin.auth.sign_in import change_password, record_sign_out
from admin.auth.sign_in import sign_in as sign_in_as
from admin.auth.web_security import (
    DEVICE_COOKIE,
    PANEL,
    current_user,
    end_session,
    keep_device,
    local_path,
    runtime,
    start_session,
)
from admin.panel.base import sentence
from models.clock import utcnow
from models.errors import OperatorError

bp = Blueprint("panel", __name__, url_prefix=PANEL)


def init_app(app: Flask) -> None:
    """Register the pages that need no signed-in user."""
    app.register_blueprint(bp)
    app.add_url_rule("/", "root", lambda: redirect(f"{PANEL}/"))


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign in with e-mail and password."""
    target = local_path(request.values.get("next"), url_for("admin.index"))
    if request.method == "GET":
        if current_user() is not None:
            return redirect(target)
        return render_template("panel/sign_in.html", target=target, email="", error=None)
    email = request.form.get("email", "")
    rt = runtime()
    device, address = request.cookies.get(DEVICE_COOKIE), client_address(request, rt.settings.trusted_proxies)
    try:
        someone = sign_in_as(rt, email, request.form.get("password", ""), address, utcnow(), device=device)
    except OperatorError as error:
        page = render_template("panel/sign_in.html", target=target, email=email[:254], error=sentence(error))
        if isinstance(error, TooManyAttemptsError):
            return page, 429, {"Retry-After": str(error.retry_after)}
        return page, 401
    start_session(someone)
    keep_device(new_device(rt, someone.email))
    return redirect(url_for("panel.password", next=target) if someone.must_change_password else target, 303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this browser's session."""
    someone = current_user()
    if someone is not None:
        record_sign_out(runtime(), someone, utcnow())
    end_session()
    return redirect(url_for("panel.sign_in"), 303)


@bp.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change one's own password; after a one-time password no other page can be reached before."""
    someone = current_user()
    if someone is None:
        return redirect(url_for("panel.sign_in"))
    target = local_path(request.values.get("next"), url_for("admin.index"))
    problem: tuple[str, str] | None = None
    if request.method == "POST":
        new = request.form.get("new", "")
        if new != request.form.get("again", ""):
            problem = ("again", "The two are not the same.")
        else:
            try:
                start_session(change_password(runtime(), someone, request.form.get("current"), new, utcnow()))
                return redirect(target, 303)
            except OperatorError as error:
                field, _, text = str(error).partition(": ")
                problem = ("current" if field == "current" else "new", sentence(ValueError(text)))
    page = render_template("panel/password.html", someone=someone, target=target, problem=problem)
    return page, 400 if problem else 200
