"""A whole installation as a user runs it — `flask up` in a process of its own — and a simulated Meta beside it."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from bot.flows.load import read_flow, to_definition
from bot.sandbox.seed import PHONE_NUMBER_ID, WABA_ID
from jobs.core.redis_server import redis_url
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.config import load_settings
from models.conversations.flow_versions import save_flow
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.recipient import Recipient
from models.tables.template import Template
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.contacts import make_contact
from tests.support.faults import Cut, Faults
from tests.support.paths import ROOT
from tests.support.sending_rig import SPRING
from tests.support.services import wait_until_gone

SECRETS = {"META_APP_SECRET": "sandbox-app-secret", "META_VERIFY_TOKEN": "sandbox-verify-token", "SECRET_KEY": "s" * 40}
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def free_port() -> int:
    """A port of loopback that nobody listens on now, and that the system gives to no outgoing connection meanwhile."""
    chance = random.SystemRandom()  # the plain one is seeded alike in every test process
    while True:
        port = chance.randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for(is_so: Callable[[], Any], seconds: float, what: str | Callable[[], str]) -> None:
    """Look until it is so; AssertionError with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.1)


class Installation:
    """Runs on its own var directory; `kill` takes a name of processes.json. With `faults` the machine under it can fail."""

    faults: Faults | None = None
    root = ROOT
    """Where the code stands that its processes run."""

    def __init__(self, directory: Path, database_url: str, *, redis: str | None = None, **sandbox: str) -> None:
        """`redis` is the URL of a Redis that runs elsewhere; without it Hark starts one of its own."""
        self.var_dir = directory / "var"
        self.var_dir.mkdir(parents=True)
        self.web_port, self.sandbox_port = free_port(), free_port()
        self.graph_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HARK_ENV_FILE": os.devnull,
            "HARK_VAR_DIR": str(self.var_dir),
            "DATABASE_URL": database_url,
            "ENCRYPTION_KEY": KEY,
            "GRAPH_API_URL": self.graph_url,
            "PUBLIC_URL": f"http://127.0.0.1:{self.web_port}",
            "PYTHONUNBUFFERED": "1",
        } | SECRETS
        if redis is not None:
            self.environment["REDIS_URL"] = redis
        self.log_path = directory / "up.log"
        self._sandbox_options = [
            "--no-suffix-faults",
            "--throughput-mps=1000",  # as the number's own rate in `prepare`
            *(f"--{name.replace('_', '-')}={value}" for name, value in sandbox.items()),
        ]
        self._up: subprocess.Popen[bytes] | None = None
        self._sandbox: subprocess.Popen[bytes] | None = None
        self.rt = Runtime(load_settings({"REDIS_URL": redis_url(self.var_dir / "redis")} | self.environment, ROOT))

    def start_sandbox(self) -> None:
        """Meta's side."""
        webhook = f"http://127.0.0.1:{self.web_port}/webhooks/whatsapp"
        command = [sys.executable, "-m", "bot.sandbox", "--port", str(self.sandbox_port), "--webhook-url", webhook]
        # Nothing inherited: it would measure its coverage, which other tests do, and be half as fast.
        plain = {"PATH": os.environ["PATH"], "HARK_ENV_FILE": os.devnull}
        self._sandbox = subprocess.Popen(
            [*command, *self._sandbox_options], cwd=ROOT, env=plain, stdout=subprocess.DEVNULL
        )
        wait_for(lambda: self._answers(f"{self.graph_url}/_sandbox/stats"), 60, "the sandbox answers")

    def up(self) -> None:
        """`flask up`, and wait until it is ready."""
        log = self.log_path.open("ab")
        command = [sys.executable, "-m", "flask", "up", "--port", str(self.web_port), "--workers", "2"]
        self._up = subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        wait_for(
            lambda: self._answers(f"http://127.0.0.1:{self.web_port}/readyz"),
            120,
            lambda: f"flask up is ready: {self.tail()}",
        )

    def kill(self, name: str) -> bool:
        """SIGKILL to one process by its name, or to the supervisor; False if it is not there just now."""
        pid = self.pids().get(name)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def pids(self) -> dict[str, int]:
        """What runs now, by name."""
        try:
            found = json.loads((self.var_dir / "processes.json").read_text())
        except (OSError, ValueError):
            return {}
        return {str(name): int(pid) for name, pid in found.items()}

    def restart_after_the_tree_died(self) -> None:
        """SIGKILL to everything; then everything is started again."""
        self.kill_everything()
        self.up()

    def suffer(self, faults: Faults) -> None:
        """From the next `up` on its processes see this machine."""
        self.faults = faults
        self.environment |= faults.environment

    def cut_power(self, chance: random.Random) -> Cut:
        """Every process is gone at once, and with them what was not on the disk. `up` starts all of it again."""
        assert self.faults is not None
        self.kill_everything()
        self.rt.close()
        return self.faults.cut_power(chance)

    def kill_everything(self) -> None:
        """SIGKILL to the supervisor, which takes every child with it."""
        assert self._up is not None
        self._up.kill()
        self._up.wait(60)
        for name, pid in self.pids().items():
            assert wait_until_gone(pid), name

    def flask(self, *arguments: str, stdin: str = "") -> str:
        """A command in a process of its own; its standard output. What it writes is written on the machine of `faults`."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", *arguments],
            cwd=self.root, env=self.environment, input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def inbound(self) -> list[str]:
        """Meta's ids of what people wrote."""
        found = httpx.get(f"{self.graph_url}/_sandbox/inbound", timeout=60).json()["inbound"]
        return [item["id"] for item in found]

    def configure_sandbox(self, **changes: object) -> None:
        """Change how the simulated Meta behaves."""
        httpx.post(f"{self.graph_url}/_sandbox/config", json=changes, timeout=60).raise_for_status()

    def stop(self) -> int:
        """SIGTERM; the exit status of `flask up`."""
        assert self._up is not None
        self._up.terminate()
        return self._up.wait(60)

    def close(self) -> None:
        """Whatever still runs ends."""
        for process in (self._up, self._sandbox):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
        self.rt.close()

    def tail(self) -> str:
        """The end of the log, for a failure's message."""
        return self.log_path.read_text(errors="replace")[-3000:] if self.log_path.exists() else ""

    def stats(self) -> dict[str, Any]:
        """What the sandbox says it received and sent."""
        found: dict[str, Any] = httpx.get(
            f"{self.graph_url}/_sandbox/stats", params={"callbacks": 1}, timeout=60
        ).json()
        return found

    def messages(self) -> int:
        """How many template messages the sandbox accepted."""
        templates: dict[str, int] = self.stats()["templates"]
        return sum(templates.values())

    def prepare(self, count: int, *, pace: float, flow: Path | None = None) -> int:
        """A number, its template, `count` subscribed contacts with the tag `vip`, and a campaign that is ready; its id."""
        with self.rt.database.write() as session:
            number = make_number(
                session,
                phone_number_id=PHONE_NUMBER_ID,
                access_token=self.rt.vault.encrypt("sandbox-access-token"),
                messages_per_second=1000,
                now=utcnow(),
            )
            number.waba.waba_id = WABA_ID
            make_template(session, number, name="spring_sale", components=SPRING, now=utcnow())
        for start in range(0, count, 500):
            with self.rt.database.write() as session:
                for index in range(start, min(count, start + 500)):
                    make_contact(session, f"+336398{index:05d}", name=f"Person {index}", tags={"vip": None})
        with self.rt.database.write() as session:
            flow_id = None
            if flow is not None:
                text = flow.read_text(encoding="utf-8")
                save_flow(session, "spring_replies", text, flow_definition(text), utcnow(), "test")
                flow_id = session.scalars(select(Flow.id)).one()
            campaign = make_campaign(
                session,
                session.scalars(select(Number)).one(),
                session.scalars(select(Template)).one(),
                status=CampaignStatus.READY,
                now=utcnow(),
                variables={
                    "body": {"1": {"source": "name"}, "2": {"source": "text", "text": "20%"}},
                },
                pace_per_second=pace,
                flow_id=flow_id,
            )
            return campaign.id

    def states(self, campaign_id: int) -> dict[str, int]:
        """How many recipients are in each state."""
        with self.rt.database.read() as session:
            query = select(Recipient.state, func.count()).where(Recipient.campaign_id == campaign_id)
            return {str(state): count for state, count in session.execute(query.group_by(Recipient.state))}

    def campaign(self, campaign_id: int) -> Campaign:
        """The campaign as it stands."""
        with self.rt.database.read() as session:
            return session.get_one(Campaign, campaign_id)

    @staticmethod
    def _answers(url: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(url, timeout=2, trust_env=False).status_code == 200
        return False


def flow_definition(text: str) -> dict[str, Any]:
    """What the database keeps of a flow file."""
    flow = read_flow(text, "flow.yaml").flow
    assert flow is not None
    return to_definition(flow)


@contextlib.contextmanager
def installed(directory: Path, database_url: str, **sandbox: str) -> Iterator[Installation]:
    """An installation that is up, and gone at the end."""
    found = Installation(directory, database_url, **sandbox)
    try:
        found.start_sandbox()
        found.up()
        yield found
    finally:
        found.close()
