"""The panel in one process: a browser without a screen, signed in as somebody of a role."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from admin.auth import passwords, sign_in
from admin.auth.users import add_user
from admin.panel import live_stats
from models.clock import utcnow
from models.crypto import new_token
from models.tables.audit import Audit
from models.tables.user import Role, User
from tests.support.cli_app import Shell, open_shell

PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
"""The product's takes a fifth of a second on purpose, at every sign-in."""
HASHED = CHEAP.hash(PASSWORD)
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """Somebody at the panel."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.client: FlaskClient = shell.app.test_client()

    def get(self, path: str, status: int = 200) -> str:
        """A page's HTML."""
        answer = self.client.get(f"/admin{path}")
        assert answer.status_code == status, (path, answer.status_code, answer.text[-2000:])
        return answer.text

    def token(self) -> str:
        """The token of this session; a page is asked for where the session has none yet."""
        with self.client.session_transaction() as session:
            if found := session.get("csrf"):
                return str(found)
        for path in ("/admin/sign-in", "/admin/password", "/admin/second-factor/"):
            page = self.client.get(path)
            if match := _TOKEN.search(page.text):
                return match[1]
        raise AssertionError(page.text)

    def send(self, path: str, **fields: Any) -> TestResponse:
        """A form, as it comes back."""
        return self.client.post(f"/admin{path}", data={"csrf_token": self.token()} | fields)

    def post(self, path: str, **fields: Any) -> str:
        """A form that must be taken, and the page that it leads to."""
        answer = self.send(path, **fields)
        assert answer.status_code in {302, 303}, (answer.status_code, said(answer.text))
        return self.client.get(answer.location, follow_redirects=True).text

    def refused(self, path: str, status: int = 400, **fields: Any) -> str:
        """A form that must be refused, and its page."""
        answer = self.send(path, **fields)
        assert answer.status_code == status, (answer.status_code, answer.location)
        assert "Traceback" not in answer.text
        return answer.text

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        """The sign-in form."""
        return self.send("/sign-in", email=email, password=password, **more)


class Panel:
    """An installation with somebody of every role."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.rt = shell.rt
        with self.rt.database.write() as session:
            for role in Role:
                session.add(
                    User(
                        email=f"{role.value}@example.com",
                        password_hash=HASHED,
                        role=role,
                        session_key=new_token(),
                        created_at=utcnow(),
                    )
                )

    def visitor(self) -> Visitor:
        """Nobody yet."""
        return Visitor(self.shell)

    def of(self, role: Role) -> Visitor:
        """Somebody of the role, signed in."""
        visitor = self.visitor()
        answer = visitor.sign_in(f"{role.value}@example.com")
        assert answer.status_code == 303, said(answer.text)
        return visitor

    def newcomer(self, email: str = "new@example.com", role: Role = Role.MANAGER) -> str:
        """The one-time password of a user who was just added."""
        added = add_user(self.rt, email, role.value, None, "test")
        assert added.password is not None
        return added.password

    def audited(self) -> list[tuple[str, str]]:
        """(actor, action), oldest first."""
        with self.rt.database.read() as session:
            return [(row.actor, row.action) for row in session.scalars(select(Audit).order_by(Audit.id))]


@contextmanager
def panel_of(shell: Shell) -> Iterator[Panel]:
    """The panel of an installation: its passwords are cheap, its live numbers are never older than the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_stats, "FRESH_SECONDS", 0.0)
        patch.setattr(passwords, "_hasher", CHEAP)
        patch.setattr(sign_in, "EVEN_SECONDS", 0.0)
        yield Panel(shell)


@contextmanager
def open_panel(directory: Path, database_url: str, redis_url: str, **settings: Any) -> Iterator[Panel]:
    """A panel on services of its own, with a simulated Meta and other settings than the usual ones."""
    with open_shell(directory, database_url, redis_url, **settings) as shell, panel_of(shell) as panel:
        yield panel


def said(html: str) -> str:
    """A page's text, for an assertion's message."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())[:20_000]
