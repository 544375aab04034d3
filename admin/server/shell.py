"""Sets the names of `flask shell`: the runtime, a read-only session, and every table by its class name."""

from typing import Any

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.db.base import Base


def init_app(app: Flask, rt: Runtime) -> None:
    """Register the names; nothing connects before the shell is opened."""
    app.shell_context_processor(lambda: shell_context(rt))


def shell_context(rt: Runtime) -> dict[str, Any]:
    """Return name → object: `rt`, `session` (it reads; `rt.database.write()` writes), `select`, `func`, `utcnow`, the tables."""
    tables = {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}
    session = Session(rt.database.read_engine, expire_on_commit=False)
    return tables | {"rt": rt, "session": session, "select": select, "func": func, "utcnow": utcnow}
