"""The product's application with one more address, `/block`, which holds its thread: a part of `front_bench`.

`python -m tests.benchmarks.busy_panel PORT`, or without a port behind the front server.
"""

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from admin import web
from admin.front.panel_link import panel_socket
from models.config import load_settings
from wsgi import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BLOCK_SECONDS = 3600


def make_app() -> "WSGIApplication":
    app = create_app()

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/block":
            time.sleep(BLOCK_SECONDS)
        return app(environ, start_response)

    return serve


if __name__ == "__main__":
    target = "tests.benchmarks.busy_panel:make_app"
    if len(sys.argv) > 1:
        web.serve("127.0.0.1", int(sys.argv[1]), target)
    else:
        web.serve("", 0, target, panel_socket(load_settings().var_dir))
