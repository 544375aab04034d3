"""The word that this process is to stop: set by the signal, read by whatever runs long."""

import signal
import threading

SHUTDOWN = threading.Event()
"""Once set it stays set. A lane that sees it begins no further request, drains what is under way and returns."""


def stop_on_signals() -> None:
    """For a process's main function: SIGTERM and Ctrl-C, as often as they come, set `STOPPING` and nothing else."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: SHUTDOWN.set())
