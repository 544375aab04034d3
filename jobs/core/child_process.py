"""Processes that do not outlive their parent."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dying_with_parent() -> Callable[[], None]:
    """What to hand to `Popen(preexec_fn=…)`: the child is killed at the instant its parent dies.

    Linux ties the bond to the *thread* that starts the child: start it from one that lives as long as the child should.
    A change of user clears the bond; `Popen` changes the user before it calls this, so it holds there too.
    Other systems have nothing like it: the child then lives on until it notices by itself.
    """
    parent = os.getpid()

    def bind() -> None:  # pragma: no cover - runs between fork and exec, where nothing can measure it
        _bind_to(parent)

    return bind


def die_with_parent_process() -> None:
    """For a worker that a library started through `multiprocessing`, granian's among them; anywhere else it does nothing.

    Call it in the worker's main thread. Without it, such a worker stays behind with its port when its parent is killed.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        _bind_to(parent.pid)


def _bind_to(parent: int) -> None:
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above, so no signal will come
        os._exit(1)
