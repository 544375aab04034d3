"""Whether the process is there (`/healthz`) and whether it can work (`/readyz`)."""

from collections.abc import Callable

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError, ResponseError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from jobs.core.runtime import Runtime
from models.db.migrate import current_revision, head_revision

# A Redis that throws keys away under pressure throws away events that were answered with 200.
_POLICY = "noeviction"


def init_app(app: Flask, rt: Runtime) -> None:
    """Both pages."""
    bp = Blueprint("health", __name__)

    @bp.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "ok"}

    @bp.get("/readyz")
    def readyz() -> ResponseReturnValue:
        checks = readiness(rt)
        ready = all(found == "ok" for found in checks.values())
        return {"status": "ok" if ready else "not ready", "checks": checks}, 200 if ready else 503

    app.register_blueprint(bp)


def readiness(rt: Runtime) -> dict[str, str]:
    """Each part and `ok`, or the line that says what is wrong with it."""
    return {"database": _said(_database, rt), "redis": _said(_redis, rt), "migrations": _said(_migrations, rt)}


def _said(check: Callable[[Runtime], str], rt: Runtime) -> str:
    try:
        return check(rt)
    except (SQLAlchemyError, RedisError, OSError, LookupError) as error:
        return f"not reachable ({type(error).__name__})"


def _database(rt: Runtime) -> str:
    with rt.database.read() as session:
        session.execute(text("SELECT 1"))
    return "ok"


def _redis(rt: Runtime) -> str:
    rt.redis.ping()
    try:
        policy = rt.redis.config_get("maxmemory-policy").get("maxmemory-policy")
    except ResponseError:
        return "ok"  # a hosted Redis that shows its settings to nobody
    if policy not in {_POLICY, None}:
        return f"maxmemory-policy is {policy}; allowed is {_POLICY}, since events must not be thrown away"
    return "ok"


def _migrations(rt: Runtime) -> str:
    found, wanted = current_revision(rt.database), head_revision()
    return (
        "ok" if found == wanted else f"the schema is at {found or 'nothing'}, wanted is {wanted}: run flask db upgrade"
    )
