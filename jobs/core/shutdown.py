"""Holds the flag that stops this process: a signal sets it, every long-running loop checks it."""

import signal
import threading

SHUTDOWN = threading.Event()
"""Never cleared once set. A lane that sees it begins no further request, waits for those under way and returns."""


def stop_on_signals() -> None:
    """Make SIGTERM and Ctrl-C set `SHUTDOWN` and do nothing else, however often they come. Called by a main function."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: SHUTDOWN.set())
