"""Makes the kernel kill a child process when its parent dies."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def kill_with_parent() -> Callable[[], None]:
    """Return a `Popen(preexec_fn=…)` function: the child is killed at the instant its parent dies.

    Linux sends the signal when the *thread* that started the child ends: start it from one that lives as long as the child should.
    A change of user clears the setting; `Popen` changes the user before it calls this function, so the setting holds there too.
    Other systems have nothing like it: the child then lives on until it notices by itself.
    """
    parent = os.getpid()

    def bind() -> None:  # pragma: no cover - runs between fork and exec, where nothing can measure it
        _bind_to(parent)

    return bind


def die_with_parent_process() -> None:
    """Bind a worker that a library (such as granian) started through `multiprocessing` to its parent; elsewhere do nothing.

    Call it in the worker's main thread. Without it, such a worker stays behind with its port when its parent is killed.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        _bind_to(parent.pid)


def _bind_to(parent: int) -> None:
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # the parent died before the call above, so no signal will come
        os._exit(1)
