"""What every view of the panel is made of: who may do what, how an operation is run, how a page is rendered."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import BaseView, expose

from admin.auth.sign_in import SignedInUser
from admin.auth.web_security import current_user, runtime
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.user import Role

PAGE_ROWS = 50
_ABOUT = re.compile(r"^(campaign|conversation) [0-9]+: ")


def page(url: str = "/", role: Role = Role.VIEWER) -> Callable[[Any], Any]:
    """A page that shows something to whoever has this role or more."""
    return _exposed(url, role, ("GET",))


def form(url: str, role: Role) -> Callable[[Any], Any]:
    """A page with a form: shown by GET, sent by POST."""
    return _exposed(url, role, ("GET", "POST"))


def action(url: str, role: Role) -> Callable[[Any], Any]:
    """Something that changes something: only by POST."""
    return _exposed(url, role, ("POST",))


def _exposed(url: str, role: Role, methods: Sequence[str]) -> Callable[[Any], Any]:
    def mark(function: Any) -> Any:
        function.panel_role = role
        return expose(url, methods)(function)

    return mark


class PanelView(BaseView):
    """A view of one noun. Every exposed function says who may reach it; one that does not say is for administrators."""

    needs = Role.VIEWER
    """Who sees it in the menu."""
    icon = "dot"

    @property
    def rt(self) -> Runtime:
        """The runtime."""
        return runtime()

    @property
    def me(self) -> SignedInUser:
        """Who is signed in; there is somebody whenever a view runs."""
        found = current_user()
        if found is None:
            abort(403)
        return found

    def is_accessible(self) -> bool:
        """Whether it stands in the menu."""
        found = current_user()
        return found is not None and not found.must_change_password and found.may(self.needs)

    def _handle_view(self, name: str, **_kwargs: Any) -> ResponseReturnValue | None:
        return refusal_of(getattr(getattr(type(self), name), "panel_role", Role.ADMIN))

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Flask-Admin's own calls the function a second time after a TypeError inside it; once is enough."""
        return fn(self, *args, **kwargs)

    def attempt(self, done: str | None, operation: Callable[[], Any]) -> bool:
        """Run an operation; what it refuses is said at the top of the next page. True where it was done."""
        try:
            operation()
        except OperatorError as error:
            flash(sentence(error), "bad")
            return False
        if done:
            flash(done, "good")
        return True


def refusal_of(role: Role) -> ResponseReturnValue | None:
    """None where who is signed in has this role or more; else where to send them. Forbidden for too small a role."""
    found = current_user()
    if found is None:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("panel.sign_in", next=wanted))
    if found.must_change_password:
        return redirect(url_for("panel.password"))
    if not found.may(role):
        abort(403)
    return None


def sentence(error: Exception | str) -> str:
    """An error's line as a sentence; which campaign it is about stands on the page anyway."""
    line = error.text.translated() if isinstance(error, OperatorError) else str(error)
    text = _ABOUT.sub("", " ".join(line.split()))
    return text[:1].upper() + text[1:]


def back(otherwise: str, **values: Any) -> ResponseReturnValue:
    """See other: after a POST, to the page that shows what came of it."""
    return redirect(url_for(otherwise, **values), 303)


def positive(name: str, default: int = 0) -> int:
    """A whole number of the query string; the default for anything else."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else default
