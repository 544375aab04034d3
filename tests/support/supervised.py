"""A supervisor in a thread or in a process, and programs for it to start."""

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from admin.server.child import Child
from admin.server.supervisor import Supervisor
from tests.support.paths import ROOT

SLEEPER = "import time; print('here', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"
POLITE = """
import signal, sys, time
def stop(*_):
    print("told to stop", flush=True); time.sleep(0.3); sys.exit(0)
signal.signal(signal.SIGTERM, stop); signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
print("here", flush=True)
while True: time.sleep(0.05)
"""


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def eventually(claim: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if claim():
            return True
        time.sleep(0.02)
    return False


class Running:
    """A supervisor in a thread of this process."""

    def __init__(self, directory: Path, *children: Child, stop_seconds: float = 9, healthy_seconds: float = 30) -> None:
        self.log = io.StringIO()
        self.supervisor = Supervisor(
            children, self.log, directory, stop_seconds=stop_seconds, healthy_seconds=healthy_seconds
        )
        self.exit_code: int | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.exit_code = self.supervisor.run()

    def says(self, text: str, times: int = 1) -> bool:
        return eventually(lambda: self.log.getvalue().count(text) >= times)

    def pid(self, name: str) -> int:
        assert eventually(lambda: self.supervisor.pid_of(name) is not None)
        return self.supervisor.pid_of(name) or 0


@contextmanager
def running(
    directory: Path, *children: Child, stop_seconds: float = 9, healthy_seconds: float = 30
) -> Iterator[Running]:
    it = Running(directory, *children, stop_seconds=stop_seconds, healthy_seconds=healthy_seconds)
    it.thread.start()
    try:
        yield it
    finally:
        it.supervisor.stop()
        it.thread.join(60)
        assert not it.thread.is_alive()


PROGRAM = """
import signal
import sys
from pathlib import Path
from admin.server.child import Child
from admin.server.supervisor import AlreadyRunningError, Supervisor
children = [Child(name, [sys.executable, "-c", program], count=count) for name, program, count in {children!r}]
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
try:
    sys.exit(Supervisor(children, sys.stdout, Path(sys.argv[1])).run())
except AlreadyRunningError as error:
    sys.exit(str(error))
"""


@contextmanager
def process(
    directory: Path, *children: tuple[str, str, int], stdout: int = subprocess.PIPE
) -> Iterator["subprocess.Popen[str]"]:
    """A supervisor as a process of its own."""
    argv = [*python(PROGRAM.format(children=children)), str(directory)]
    with subprocess.Popen(argv, stdout=stdout, stderr=subprocess.PIPE, text=True, cwd=ROOT) as supervisor:
        try:
            yield supervisor
        finally:
            supervisor.kill()


def pids(directory: Path, count: int) -> dict[str, int]:
    """Once so many run."""
    path = directory / "processes.json"
    assert eventually(lambda: path.exists() and len(json.loads(path.read_text())) == count + 1)
    found: dict[str, int] = json.loads(path.read_text())
    return found


def wait_for_lines(supervisor: "subprocess.Popen[str]", text: str, times: int) -> None:
    assert supervisor.stdout is not None
    while times:
        line = supervisor.stdout.readline()
        assert line, f"it ended before it said {text!r}"
        times -= text in line
