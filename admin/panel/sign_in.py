"""Shows the pages for signing in and out and for changing one's password."""

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from admin.auth import sessions
from admin.auth.attempts import TooManyAttemptsError, count_outcome, new_device
from admin.auth.factors.passkeys import relying_party
from admin.auth.factors.policy import load_factors
from admin.auth.sessions import OpenSession
from admin.auth.sign_in import change_password
from admin.auth.sign_in import sign_in as sign_in_as
from admin.auth.signed_in_user import SignedInUser
from admin.auth.web_security import (
    PANEL,
    attempt_origin,
    begin_sign_in,
    complete_sign_in,
    current_session,
    current_user,
    forget_session,
    keep_device,
    keep_token,
    local_path,
    pending_session,
    runtime,
)
from admin.panel.base import lacks_factor, sentence
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.browser_session import SignInMethod
from models.tables.setting import read_setting

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
        return sign_in_page(target)
    email = request.form.get("email", "")
    rt = runtime()
    if not is_local_sign_in_open():
        return sign_in_page(target, error=OperatorError("Passwords are switched off here. Use single sign-on.")), 403
    address, device = attempt_origin()
    try:
        someone = sign_in_as(rt, email, request.form.get("password", ""), address, utcnow(), device=device)
        begin_sign_in(someone, SignInMethod.PASSWORD)
        return after_first_step(someone, target)
    except OperatorError as error:
        page = sign_in_page(target, email=email[:254], error=error)
        if isinstance(error, TooManyAttemptsError):
            return page, 429, {"Retry-After": str(error.retry_after)}
        return page, 401


def sign_in_page(target: str, *, email: str = "", error: OperatorError | None = None) -> str:
    """The page of signing in, with every way that is open."""
    rt = runtime()
    is_open = is_local_sign_in_open()
    return render_template(
        "panel/sign_in.html",
        target=target,
        email=email,
        error=sentence(error) if error else None,
        has_passwords=is_open,
        has_passkeys=is_open and relying_party(rt.settings.public_url) is not None,
        has_provider=rt.settings.oidc is not None,
    )


def is_local_sign_in_open() -> bool:
    """Whether passwords, and passkeys alone, sign in: they do unless the operator switched them off for single sign-on."""
    rt = runtime()
    if rt.settings.oidc is None:
        return True
    with rt.database.read() as session:
        return bool(read_setting(session, "local_sign_in"))


def after_first_step(someone: SignedInUser, target: str, *, needs_factor: bool = True) -> ResponseReturnValue:
    """Go on with a sign-in whose first step is done: ask for the second factor, where the user has one, else finish it.

    Raises OperatorError if the session is over.
    """
    if needs_factor and load_factors(runtime(), someone.id).count:
        return redirect(url_for("panel.second_step", next=target), 303)
    return finish_sign_in(someone, target)


def finish_sign_in(someone: SignedInUser, target: str, method: SignInMethod | None = None) -> ResponseReturnValue:
    """Sign in the user of the pending session, whose steps are all done, and go on to `target`.

    `method` is of the last step, if there was one after the first. Raises OperatorError if the session is over.
    """
    complete_sign_in(method)
    count_outcome(runtime(), "signed_in")
    keep_device(new_device(runtime(), someone.email))
    return redirect(url_for("panel.password", next=target) if someone.must_change_password else target, 303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this browser's session."""
    open_session = current_session() or pending_session()
    if open_session is not None and sessions.sign_out(runtime(), open_session, utcnow()):
        count_outcome(runtime(), "signed_out")
    forget_session()
    return redirect(url_for("panel.sign_in"), 303)


@bp.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change one's own password; after a one-time password no other page can be reached before."""
    open_session = current_session()
    if open_session is None:
        return redirect(url_for("panel.sign_in"))
    someone = open_session.user
    if lacks_factor() and not someone.must_change_password:
        return redirect(url_for("panel_second_factor.index"))
    target = local_path(request.values.get("next"), url_for("admin.index"))
    problem: tuple[str, str] | None = None
    if request.method == "POST":
        new = request.form.get("new", "")
        if new != request.form.get("again", ""):
            problem = ("again", "The two are not the same.")
        else:
            try:
                keep_token(_change_password(open_session, new))
                return redirect(target, 303)
            except TooManyAttemptsError as error:
                problem = ("new" if someone.must_change_password else "current", sentence(error))
                page = render_template("panel/password.html", someone=someone, target=target, problem=problem)
                return page, 429, {"Retry-After": str(error.retry_after)}
            except OperatorError as error:
                field, _, text = str(error).partition(": ")
                problem = ("current" if field == "current" else "new", sentence(ValueError(text)))
    page = render_template("panel/password.html", someone=someone, target=target, problem=problem)
    return page, 400 if problem else 200


def _change_password(open_session: OpenSession, new: str) -> str:
    address, device = attempt_origin()
    current = request.form.get("current", "")
    return change_password(runtime(), open_session, current, new, address, utcnow(), device=device)
