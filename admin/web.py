"""The web server of the panel: behind the front server with `--behind-front`, else alone on a port with webhooks and everything.

granian with several blocking threads; waitress, which is pure Python, where granian has no wheel. Neither writes an access log:
query strings are nobody's business.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from admin.front.panel_link import panel_socket
from jobs.core.child_process import die_with_parent_process
from jobs.core.loader import load
from jobs.core.logs import configure_logs
from models.config import load_settings

try:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server as Granian
except ImportError:
    Granian = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

APP = "wsgi:create_app"
THREADS = 16
"""Of one process. Behind the front server no client can hold one of them; without it one that sends its body slowly does."""
KILL_SECONDS = 5
SOCKET_MODE = 0o600
BACKPRESSURE = 128
"""Requests that are worked on or wait in the process; more wait in the socket."""


def load_app(target: str) -> "WSGIApplication":
    """The application that a factory called `module:name` makes. By name: what it makes stands above this floor."""
    return cast("WSGIApplication", load(target)())


def _load_in_worker(target: str) -> "WSGIApplication":
    """In granian's worker process, which would outlive a granian that is killed and keep its port."""
    die_with_parent_process()
    configure_logs()
    return load_app(target)


def serve(host: str, port: int, target: str = APP, socket: Path | None = None) -> None:
    """Serve on a port, or on a Unix socket that only this user can open, until SIGTERM or Ctrl-C."""
    if socket is not None:
        socket.unlink(missing_ok=True)  # of a process that was killed
    if Granian is None:
        _serve_with_waitress(host, port, target, socket)
        return
    # It takes so many threads for a mistake on a small machine; ours mostly wait for somebody.
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.getMessage())
    server = Granian(
        target,
        address=host,
        port=port,
        uds=socket,
        uds_permissions=SOCKET_MODE,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        backpressure=BACKPRESSURE,
        websockets=False,
        log_level=LogLevels.warning,
        log_access=False,
        workers_kill_timeout=KILL_SECONDS,
    )
    server.serve(target_loader=_load_in_worker, wrap_loader=True)


def _serve_with_waitress(host: str, port: int, target: str, socket: Path | None) -> None:
    configure_logs()
    place = (
        {"unix_socket": str(socket), "unix_socket_perms": f"{SOCKET_MODE:o}"}
        if socket
        else {"host": host, "port": port}
    )
    load("waitress:serve")(load_app(target), threads=THREADS, ident="hark", **place)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m admin.web", description="Serves the panel, the API and the webhook."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--behind-front", action="store_true", help="on a Unix socket under var/, for admin.front")
    given = parser.parse_args(arguments)
    serve(given.host, given.port, socket=panel_socket(load_settings().var_dir) if given.behind_front else None)


if __name__ == "__main__":
    main()
