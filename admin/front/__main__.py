"""Runs the front server: `python -m admin.front --port 8000`, beside `python -m admin.web --behind-front`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

import uvloop

from admin.front.limits import FrontLimits, limits_of_machine
from admin.front.server import FrontServer
from jobs.core.logs import configure_logs
from models.config import Settings, load_settings
from models.errors import OperatorError


async def serve(settings: Settings, host: str, port: int, panel_port: int | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C. With `panel_port` the panel is there, and `port` is for webhooks and health alone.

    Raises OSError if a port cannot be bound.
    """
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, is_over.set)
    front = FrontServer(settings, limits_of_machine(FrontLimits()))
    try:
        await front.listen(host, port, passes_to_panel=panel_port is None)
        if panel_port is not None:
            await front.listen(host, panel_port)
        await is_over.wait()
    finally:
        await front.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m admin.front", description="Takes webhooks, and passes everything else to the panel's process."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--panel-port", type=int, help="the panel's own port; --port is then for webhooks alone")
    given = parser.parse_args(arguments)
    configure_logs()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(load_settings(), given.host, given.port, given.panel_port))
    except (OperatorError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
