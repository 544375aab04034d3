"""Serves `/healthz` (the process runs) and `/readyz` (database, Redis and schema are usable)."""

import shutil
from collections.abc import Callable

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError, ResponseError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from jobs.core.clock_check import clock_problem
from jobs.core.runtime import Runtime
from models.db.migrate import current_revision, head_revision
from models.restore.hold import is_held
from models.tables.campaign import PauseReason

# A Redis that evicts keys would lose webhook events that were answered with 200.
_POLICY = "noeviction"
MIN_FREE_BYTES = 64_000_000
"""Below that neither the database nor Redis' file can be sure of their next write."""


def init_app(app: Flask, rt: Runtime) -> None:
    """Register both pages."""
    bp = Blueprint("health", __name__)

    @bp.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "ok"}

    @bp.get("/readyz")
    def readyz() -> ResponseReturnValue:
        checks = readiness(rt)
        ready = all(result == "ok" for result in checks.values())
        held = {"held": PauseReason.DATABASE_RESTORED.value} if ready and _is_held(rt) else {}
        problem = clock_problem(rt) if ready else None
        clock = {"clock": str(problem)} if problem else {}
        return {"status": "ok" if ready else "not ready", "checks": checks} | held | clock, 200 if ready else 503

    app.register_blueprint(bp)


def readiness(rt: Runtime) -> dict[str, str]:
    """Return part → `ok`, or a line that says what is wrong with it."""
    return {
        "database": _run_check(_database, rt),
        "redis": _run_check(_redis, rt),
        "migrations": _run_check(_migrations, rt),
        "disk": _run_check(_disk, rt),
    }


def _is_held(rt: Runtime) -> bool:
    """Whether nothing is sent because the database was put back from a copy. Webhooks are taken all the same."""
    with rt.database.read() as session:
        return is_held(session)


def _run_check(check: Callable[[Runtime], str], rt: Runtime) -> str:
    try:
        return check(rt)
    except (SQLAlchemyError, RedisError, OSError, LookupError) as error:
        return f"not reachable ({type(error).__name__})"


def _database(rt: Runtime) -> str:
    """Whether it can be read and written: a file system that became read-only and a standby take no write."""
    with rt.database.read() as session:
        session.execute(text("SELECT 1"))
    with rt.database.write() as session:  # on SQLite this takes the write lock for a moment
        is_read_only = not rt.database.is_sqlite and session.scalar(text("SHOW transaction_read_only")) == "on"
    return "it takes no writes" if is_read_only else "ok"


def _disk(rt: Runtime) -> str:
    free = free_bytes(rt)
    if free >= MIN_FREE_BYTES:
        return "ok"
    return f"only {free // 1_000_000} MB are free for {rt.settings.var_dir.name}/; wanted are {MIN_FREE_BYTES // 1_000_000} MB"


def free_bytes(rt: Runtime) -> int:
    """What is free on the disk of `var/`. Raises OSError if that cannot be told."""
    directory = rt.settings.var_dir
    while not directory.exists():
        directory = directory.parent
    return shutil.disk_usage(directory).free


def _redis(rt: Runtime) -> str:
    rt.redis.ping()
    try:
        policy = rt.redis.config_get("maxmemory-policy").get("maxmemory-policy")
    except ResponseError:
        return "ok"  # a hosted Redis that does not show its settings
    if policy not in {_POLICY, None}:
        return f"maxmemory-policy is {policy}; allowed is {_POLICY}, since events must not be thrown away"
    return "ok"


def _migrations(rt: Runtime) -> str:
    current, newest = current_revision(rt.database), head_revision()
    if current == newest:
        return "ok"
    return f"the schema is at {current or 'nothing'}, wanted is {newest}: run flask db upgrade"
