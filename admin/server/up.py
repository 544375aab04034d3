"""Runs every process of one installation in one terminal (`flask up`)."""

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import httpx
from sqlalchemy.engine import make_url

from admin.auth.users import AddedUser, add_first_admin
from admin.front.panel_link import panel_socket
from admin.server.child import Child
from admin.server.key_check import check_encryption_key, check_marks_key
from admin.server.supervisor import PROCESSES, Supervisor, lock_directory
from jobs.core.queues import ANSWER, CHORES, LAUNCH, SEND
from jobs.core.redis_server import redis_answers, redis_argv, redis_url
from jobs.core.runtime import Runtime
from jobs.restore.redaction_file import redact_marked
from models.clock import utcnow
from models.config import Settings
from models.db.integrity import check_sqlite
from models.db.migrate import upgrade_schema
from models.errors import OperatorError
from models.files import make_private

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_WORKERS = 2
MAX_WORKERS = 64


@dataclass(frozen=True)
class Plan:
    """The options of `flask up`: the address of webhooks and panel, and the number of sending workers.

    With `panel_port` the panel is there, and `port` is for webhooks alone.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = DEFAULT_WORKERS
    panel_port: int | None = None

    @property
    def address(self) -> str:
        """The URL of webhooks and health for a client on this machine."""
        return self._url(self.port)

    @property
    def panel_address(self) -> str:
        """The URL of the panel for a browser on this machine."""
        return self._url(self.panel_port or self.port)

    def _url(self, port: int) -> str:
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def run_up(settings: Settings, plan: Plan, out: TextIO, say: Callable[[str], None]) -> int:
    """Migrate, start everything and keep it running until a signal; return the exit status.

    Raises AlreadyRunningError if another supervisor holds `var_dir`, and OperatorError if the port cannot be used, the
    encryption key is another one, or no Redis can run.
    """
    with lock_directory(settings.var_dir):
        make_private(settings.var_dir)
        check_ports(plan)
        check_after_a_crash(settings)
        first_admin = prepare(settings)
        say(f"panel: {plan.panel_address}/admin/")
        if plan.panel_port is not None:
            say(f"webhooks: {plan.address}/webhooks/")
        if first_admin is not None:
            say(f"sign in as {first_admin.email} with the one-time password {first_admin.password}")
        supervisor = Supervisor(children(settings, plan, dict(os.environ)), out, settings.var_dir, locked=True)
        return supervisor.run()


def check_after_a_crash(settings: Settings) -> None:
    """Look through an SQLite database whose processes were killed. Raises OperatorError if it is malformed.

    SQLite survives a kill and a power cut; a disk that lies, or a file that was copied beside a foreign log, does not.
    """
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not (settings.var_dir / PROCESSES).exists():
        return
    try:
        check_sqlite(Path(str(url.database)))
    except OperatorError as error:
        raise OperatorError("{error}; put a backup back: flask restore FILE --replace", error=error) from error


def prepare(settings: Settings) -> AddedUser | None:
    """Bring the database to the newest schema, check the encryption key, and add an administrator if there is no user.

    Return that administrator, else None. Raises OperatorError if the encryption key is another one.
    """
    upgrade_schema(settings.database_url)
    rt = Runtime(settings)
    try:
        check_encryption_key(rt, utcnow())
        check_marks_key(rt, utcnow())
        redact_marked(rt)
        return add_first_admin(rt)
    finally:
        rt.close()


def children(settings: Settings, plan: Plan, environment: Mapping[str, str]) -> Sequence[Child]:
    """Return the processes, dependencies first. Each inherits `environment`.

    Raises RedisUnavailableError if Redis has to run here and cannot, and OperatorError if `var_dir` cannot be used.
    """
    redis_directory = settings.var_dir / "redis"
    panel_socket(settings.var_dir)  # settled before two processes ask for it at once
    env, redis = dict(environment), []
    if settings.redis_url is None:
        url = redis_url(redis_directory)
        env["REDIS_URL"] = url
        argv = redis_argv(redis_directory)
        redis = [Child("redis", argv, environment, ready=lambda: redis_answers(url))]

    def child(name: str, *arguments: str, count: int = 1) -> Child:
        return Child(name, [sys.executable, "-m", *arguments], env, count=count, cwd=ROOT)

    return [
        *redis,
        child("front", "admin.front", *front_arguments(plan)),
        child("web", "admin.web", "--behind-front"),
        child("ingest", "jobs.ingest"),
        child("clicks", "jobs.clicks"),
        child("schedule", "jobs.schedule"),
        child("replies", "jobs.worker", "--queues", ANSWER),
        child("chores", "jobs.worker", "--queues", LAUNCH, CHORES),
        child("sender", "jobs.worker", "--queues", SEND, count=plan.workers),
    ]


def front_arguments(plan: Plan) -> list[str]:
    """Return the options of the front server."""
    arguments = ["--host", plan.host, "--port", str(plan.port)]
    return arguments if plan.panel_port is None else [*arguments, "--panel-port", str(plan.panel_port)]


def check_ports(plan: Plan) -> None:
    """Raises OperatorError if a port of the plan cannot be bound, or both are the same.

    Checked first, since the front server would else restart for ever.
    """
    if plan.panel_port == plan.port:
        raise OperatorError(
            "--panel-port {port}: that is --port already; leave it out or choose another", port=plan.port
        )
    check_port(plan.host, plan.port, "--port")
    if plan.panel_port is not None:
        check_port(plan.host, plan.panel_port, "--panel-port")


def check_port(host: str, port: int, option: str = "--port") -> None:
    """Raises OperatorError, which names the option, if the port cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OperatorError(
            "port {port} on {host} cannot be used ({reason}): choose another with {option}",
            port=port,
            option=option,
            host=host,
            reason=reason,
        ) from None


def web_answers(address: str) -> bool:
    """Whether `/readyz` answers 200 within two seconds: front server and panel are there."""
    try:
        return httpx.get(f"{address}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
