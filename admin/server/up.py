"""`flask up`: everything of one installation in one terminal."""

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import httpx

from admin.auth.users import AddedUser, add_first_admin
from admin.server.child import Child
from admin.server.key_check import check_encryption_key
from admin.server.supervisor import Supervisor, lock_directory
from jobs.core.queues import ANSWER, CHORES, LAUNCH, SEND
from jobs.core.redis_server import redis_answers, redis_argv, redis_url
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.config import Settings
from models.db.migrate import upgrade_schema
from models.errors import OperatorError

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_WORKERS = 2
MAX_WORKERS = 64


@dataclass(frozen=True)
class Plan:
    """What is to run, and where."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = DEFAULT_WORKERS

    @property
    def address(self) -> str:
        """Where a browser of this machine finds the panel."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def run_up(settings: Settings, plan: Plan, out: TextIO, say: Callable[[str], None]) -> int:
    """Migrate, start everything and keep it running until a signal; the exit status. Refused, AlreadyRunningError, …"""
    with lock_directory(settings.var_dir):
        check_port(plan.host, plan.port)
        first = prepare(settings)
        say(f"panel: {plan.address}/admin/")
        if first is not None:
            say(f"sign in as {first.email} with the one-time password {first.password}")
        supervisor = Supervisor(children(settings, plan, dict(os.environ)), out, settings.var_dir, locked=True)
        return supervisor.run()


def prepare(settings: Settings) -> AddedUser | None:
    """Bring the database to the newest schema, check the key, and add the first administrator where there is nobody."""
    upgrade_schema(settings.database_url)
    rt = Runtime(settings)
    try:
        check_encryption_key(rt, utcnow())
        return add_first_admin(rt)
    finally:
        rt.close()


def children(settings: Settings, plan: Plan, environment: Mapping[str, str]) -> Sequence[Child]:
    """The processes, foundations first. `environment` is what each inherits. RedisUnavailableError."""
    redis_directory = settings.var_dir / "redis"
    env, first = dict(environment), []
    if settings.redis_url is None:
        url = redis_url(redis_directory)
        env["REDIS_URL"] = url
        argv = redis_argv(redis_directory)
        first = [Child("redis", argv, environment, ready=lambda: redis_answers(url))]

    def child(name: str, *arguments: str, count: int = 1) -> Child:
        return Child(name, [sys.executable, "-m", *arguments], env, count=count, cwd=ROOT)

    return [
        *first,
        child("web", "admin.web", "--host", plan.host, "--port", str(plan.port)),
        child("ingest", "jobs.ingest"),
        child("schedule", "jobs.schedule"),
        child("replies", "jobs.worker", "--queues", ANSWER),
        child("chores", "jobs.worker", "--queues", LAUNCH, CHORES),
        child("sender", "jobs.worker", "--queues", SEND, count=plan.workers),
    ]


def check_port(host: str, port: int) -> None:
    """Refused where somebody listens there already: better said now than in a loop of restarts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OperatorError(
            "port {port} on {host} cannot be used ({reason}): choose another with --port",
            port=port,
            host=host,
            reason=reason,
        ) from None


def web_answers(address: str) -> bool:
    """Whether the web server is there and can work."""
    try:
        return httpx.get(f"{address}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
