"""Runs `flask demo`: a whole campaign on this machine against the simulated Meta, watched to its end and checked.

It reads no `.env` and inherits no setting: its database, its Redis and its keys are under `var/demo`, which is wiped first, and
its Graph API is the sandbox on loopback. Any process may be killed meanwhile; the supervisor starts it again, except the sandbox,
whose record of messages is in its memory and is what everything is compared with.
"""

import os
import shutil
import socket
import sys
from io import TextIOWrapper
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from admin.demo.director import DemoServices, Director
from admin.demo.people import MAX_PEOPLE, MIN_PEOPLE
from admin.server.child import Child
from admin.server.supervisor import Supervisor, lock_directory
from admin.server.up import ROOT, Plan, children, prepare
from models.config import load_settings
from models.config_values import LOOPBACK
from models.crypto import new_token
from models.errors import OperatorError
from models.files import open_private

INHERITED_ENV = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TERM", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
)  # fmt: skip
"""The environment variables that a child process inherits: what it needs to run, and no setting of Hark."""
SPEED = 3.0
"""How many times faster than real people the simulated ones answer."""


def run_demo(
    console: Console,
    contacts: int,
    *,
    exit_when_done: bool,
    port: int | None = None,
    speed: float = SPEED,
    directory: Path | None = None,
) -> int:
    """Run the demo. The exit status is 0 only if the campaign came to rest and every equation holds.

    Raises OperatorError if the number of contacts is out of range, and AlreadyRunningError if a demo runs in the directory.
    """
    if not MIN_PEOPLE <= contacts <= MAX_PEOPLE:
        raise OperatorError(
            "contacts={contacts}: allowed are {min_people} to {max_people}, as many numbers are kept for fiction",
            contacts=contacts,
            min_people=MIN_PEOPLE,
            max_people=MAX_PEOPLE,
        )
    directory = (directory or ROOT / "var" / "demo").absolute()
    with lock_directory(directory):
        services = set_up(directory, port)
        prepare(services.settings)
        with TextIOWrapper(open_private(directory / "demo.log", "wb"), encoding="utf-8") as log:
            supervisor = Supervisor(demo_processes(services, speed), log, directory, locked=True)
            director = Director(console, services, contacts, exit_when_done=exit_when_done, stop=supervisor.stop)
            director.start()
            status = supervisor.run()
            director.is_over.set()
            director.join(timeout=5)
    return status or director.status


def set_up(directory: Path, port: int | None = None) -> DemoServices:
    """Wipe the directory and write the settings of this demo. Raises OperatorError if a setting points to another machine."""
    wipe(directory)
    plan = Plan(port=port or _free_port(8000))
    sandbox_url = f"http://127.0.0.1:{_free_port(0)}"
    values = {
        "HARK_VAR_DIR": str(directory),
        "GRAPH_API_URL": sandbox_url,
        "META_APP_SECRET": new_token(),
        "META_VERIFY_TOKEN": new_token(),
        "PUBLIC_URL": plan.address,
    }
    env_file = directory / "hark.env"
    env_file.touch(mode=0o600)
    env_file.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()), encoding="utf-8")
    env = {name: os.environ[name] for name in INHERITED_ENV if name in os.environ} | {"HARK_ENV_FILE": str(env_file)}
    settings = load_settings(env)
    if urlsplit(settings.graph_api_url).hostname not in LOOPBACK:
        raise OperatorError(
            "GRAPH_API_URL={graph_api_url}: the demo reaches the simulated Meta on this machine alone",
            graph_api_url=settings.graph_api_url,
        )
    return DemoServices(directory, env, settings, plan, sandbox_url, new_token())


def wipe(directory: Path) -> None:
    """Delete everything in the directory except its lock. Raises OperatorError if the directory is a symbolic link."""
    if directory.is_symlink():
        raise OperatorError("{directory} is a link: the demo wipes a directory of its own alone", directory=directory)
    for path in directory.iterdir():
        if path.name == "supervisor.lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def demo_processes(services: DemoServices, speed: float) -> list[Child]:
    """The processes of `flask up`, and the simulated Meta."""
    settings = services.settings
    options = {
        "port": services.sandbox_url.rpartition(":")[2],
        "webhook-url": f"{services.plan.address}/webhooks/whatsapp",
        "app-secret": settings.meta_app_secrets[0],
        "verify-token": settings.meta_verify_token or "",
        "token": services.token,
        "speed": str(speed),
        "unreachable-share": "0.02",
        "capped-share": "0.01",
        "click-share": "0.3",
    }
    argv = [sys.executable, "-m", "bot.sandbox", "--no-suffix-faults"]
    argv += [f"--{name}={value}" for name, value in options.items()]
    sandbox = Child("sandbox", argv, services.env, restart=False, essential=True, cwd=ROOT)
    return [sandbox, *children(settings, services.plan, services.env)]


def _free_port(preferred: int) -> int:
    """The preferred port if it is free, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OperatorError("no port is free on 127.0.0.1")
