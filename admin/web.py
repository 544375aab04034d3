"""The web server of one machine: `python -m admin.web --port 8000`.

granian with several blocking threads; waitress, which is pure Python, where granian has no wheel. Neither writes an access log:
query strings are nobody's business.
"""

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from jobs.core.child_process import die_with_parent_process
from jobs.core.loader import load
from jobs.core.logs import configure_logs

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
"""Of one process. A client that sends its body slowly holds one of them; it costs next to nothing while it waits."""
KILL_SECONDS = 5
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


def serve(host: str, port: int, target: str = APP) -> None:
    """Until SIGTERM or Ctrl-C."""
    if Granian is None:
        _serve_with_waitress(host, port, target)
        return
    # It takes so many threads for a mistake on a small machine; ours mostly wait for somebody.
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.getMessage())
    server = Granian(
        target,
        address=host,
        port=port,
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


def _serve_with_waitress(host: str, port: int, target: str) -> None:
    configure_logs()
    load("waitress:serve")(load_app(target), host=host, port=port, threads=THREADS, ident="hark")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m admin.web", description="Serves the panel, the API and the webhook."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args(arguments)
    serve(given.host, given.port)


if __name__ == "__main__":
    main()
