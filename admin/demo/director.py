"""Plays the demo's operator: creates a campaign, waits until it is at rest, and checks every number.

It runs in a thread beside the supervisor, which keeps the processes alive.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from redis.exceptions import RedisError
from rich.console import Console
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from admin.auth.passwords import one_time_password
from admin.auth.users import add_user
from admin.demo.check import Sandbox, check_everything
from admin.demo.formats import send_formats
from admin.demo.people import write_people
from admin.demo.screen import progress_bar, show_result
from admin.demo.signals import LEAST, send_to_old_list, signal_sentences
from admin.operations.campaigns import create_campaign
from admin.operations.cases import open_case_of
from admin.operations.flows import load_flow_file
from admin.operations.numbers import add_number
from admin.server.up import ROOT, Plan, web_answers
from bot.webhooks.stream import EventStream
from jobs.campaigns.start import start_campaign
from jobs.core.logs import described
from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from jobs.maintenance.meta_sync import read_templates
from models.campaigns.stats import campaign_stats
from models.clock import utcnow
from models.config import Settings
from models.errors import HarkError, OperatorError
from models.tables.campaign import CampaignOutcome
from models.tables.conversation import Direction, Message, MessageState
from models.tables.number import Number
from models.tables.user import Role

ACTOR = "demo"
EMAIL = "demo@localhost"
FLOW = ROOT / "docs" / "examples" / "spring_replies.yaml"
PER_SECOND = 40.0
QUIET_SECONDS = 1.5
MAX_SECONDS = 300.0
"""On top of the time that the pace needs; then the demo fails with what it still waits for."""
FORMAT_SECONDS = 180.0
WABA_ID = "100000000000001"
PHONE_NUMBER_ID = "200000000000001"
_AT_REST = (CampaignOutcome.SENT, CampaignOutcome.PARTIALLY_SENT, CampaignOutcome.FAILED)

CAMPAIGN: dict[str, Any] = {
    "name": "Spring",
    "number": PHONE_NUMBER_ID,
    "template": {"name": "spring_sale", "language": "en"},
    "audience": {"include": [{"tag": "customer"}], "exclude": [{"tag": "staff"}]},
    "variables": {
        "body": {"1": {"source": "first_name", "fallback": "there"}, "2": {"source": "tag", "tag": "discount"}}
    },
    "flow": "spring_replies",
    "pace": {"per_second": PER_SECOND},
}


@dataclass(frozen=True)
class DemoServices:
    """The directory, settings and addresses of a demo."""

    directory: Path
    env: Mapping[str, str]
    settings: Settings
    plan: Plan
    sandbox_url: str
    token: str


class DemoStoppedError(HarkError):
    """The demo is being stopped."""


class Director(threading.Thread):
    """The steps of an operator, in a thread; `status` is the exit status, 0 only if every equation holds."""

    def __init__(
        self, console: Console, services: DemoServices, contacts: int, *, exit_when_done: bool, stop: Callable[[], None]
    ) -> None:
        super().__init__(name="director", daemon=True)
        self.console, self.services, self.contacts = console, services, contacts
        self.exit_when_done, self.stop = exit_when_done, stop
        self.is_over = threading.Event()
        self.status = 1
        self.rt = Runtime(services.settings)
        self.sandbox = Sandbox(services.sandbox_url)

    def run(self) -> None:
        """Run the demo to its end. Never raises; the result is in `status`."""
        try:
            self.status = self._run_demo()
        except DemoStoppedError:
            self._print_failure("stopped before its end")
            return
        except Exception as error:  # noqa: BLE001 - a thread's error would otherwise be shown as a traceback
            if not self.is_over.is_set():
                self._print_failure(str(error) if isinstance(error, OperatorError) else described(error))
            self.stop()
            return
        if self.exit_when_done:
            self.stop()

    def _run_demo(self) -> int:
        self._wait("the processes", lambda: web_answers(self.services.plan.address) and bool(self.sandbox.stats()), 60)
        campaign_id = self._prepare_campaign()
        start_campaign(self.rt, campaign_id, utcnow(), ACTOR)
        with progress_bar(
            self.console, lambda: self._stats(campaign_id), self.services.directory / "demo.log"
        ) as refresh:
            self._wait_until_at_rest(campaign_id, refresh)
        equations = check_everything(self.rt, campaign_id, self.sandbox)
        show_result(self.console, self._stats(campaign_id), equations)
        self._send_formats()
        self._show_signals()
        if not self.exit_when_done:
            self.console.print("The panel stays up. Ctrl-C ends it.")
        if wrong := [item.text for item in equations if not item.holds]:
            self._print_failure(f"these sums are wrong: {'; '.join(wrong)}")
        return 1 if wrong else 0

    def _print_failure(self, text: str) -> None:
        """Print why the demo failed, in one line."""
        Console(stderr=True).print(
            f"demo: {text}; the processes' log is {self.services.directory / 'demo.log'}", soft_wrap=True
        )

    def _prepare_campaign(self) -> int:
        rt, services = self.rt, self.services
        password = one_time_password()
        add_user(rt, EMAIL, Role.ADMIN, password, ACTOR)
        self.console.print(
            f"panel:   {services.plan.address}/admin/  (sign in as {EMAIL}, password {password})", soft_wrap=True
        )
        self.console.print(f"phones:  {services.sandbox_url}/  (the simulated Meta)", soft_wrap=True)
        add_number(
            rt, name="Demo shop", phone_number_id=PHONE_NUMBER_ID, waba_id=WABA_ID, display_phone=None, token=services.token,
            actor=ACTOR,
        )  # fmt: skip
        with rt.database.read() as session:
            waba_pk = session.scalars(select(Number.waba_id)).one()
        read_templates(rt, waba_pk, utcnow())
        load_flow_file(rt, FLOW.read_text(encoding="utf-8"), ACTOR, FLOW.name, replaces=FLOW.stem)
        people = write_people(services.directory / "contacts.csv", self.contacts)
        imported = import_contacts(rt, services.directory / "contacts.csv", actor=ACTOR)
        for phone in people.open_cases:
            open_case_of(rt, phone, ACTOR, "asked about an order")
        self.console.print(
            f"imported {imported.created} contacts from {services.directory / 'contacts.csv'}", soft_wrap=True
        )
        return create_campaign(rt, CAMPAIGN, ACTOR).id

    def _send_formats(self) -> None:
        """Send a carousel and products too, after the sums of the first campaign: the simulated Meta counts all together."""
        started = send_formats(self.rt, self.services.directory, PHONE_NUMBER_ID, ACTOR)
        self._wait(
            "the sender of the carousel", lambda: all(self._stats(one)["sent"] for one in started), FORMAT_SECONDS
        )
        self.console.print("also sent: a carousel (Spring shoes) and products (Spring home)", soft_wrap=True)

    def _show_signals(self) -> None:
        """Send to an old list on which much is wrong, and wait until its page shows what that is."""
        old = send_to_old_list(self.rt, self.sandbox, self.services.directory, PHONE_NUMBER_ID, ACTOR)
        self._wait("the campaign to the old list", lambda: self._stats(old)["outcome"] in _AT_REST, FORMAT_SECONDS)
        self._wait("the signals", lambda: len(signal_sentences(self.rt, old)) >= LEAST, FORMAT_SECONDS)
        self.sandbox.clear_faults()
        self.console.print("signals of “Spring, once more”, which went to an old list:")
        for sentence in signal_sentences(self.rt, old):
            self.console.print(f"  {sentence}", soft_wrap=True)

    def _stats(self, campaign_id: int) -> dict[str, Any]:
        with self.rt.database.read() as session:
            return campaign_stats(session, campaign_id)

    def _wait_until_at_rest(self, campaign_id: int, refresh: Callable[[], None]) -> None:
        """Wait until nothing is pending on either side for `QUIET_SECONDS`.

        One look is not enough: between two looks something may be on its way from one side to the other.
        """
        deadline = time.monotonic() + self.contacts / PER_SECOND + MAX_SECONDS
        quiet_since: float | None = None
        waiting = "its start"
        while quiet_since is None or time.monotonic() - quiet_since < QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise OperatorError("the campaign did not come to rest; waiting for {waiting}", waiting=waiting)
            self._pause(0.25)
            try:
                refresh()
                waiting = self._waiting_for(campaign_id)
            except (httpx.HTTPError, RedisError, OperationalError) as error:
                waiting = f"a process that is away ({type(error).__name__})"
            quiet_since = None if waiting else (quiet_since or time.monotonic())

    def _waiting_for(self, campaign_id: int) -> str:
        """What is still to happen; empty if nothing is."""
        stats = self._stats(campaign_id)
        # Unsure messages may be at rest: claimed by a sender that was killed before the request left, and not resent by Hark.
        unfinished = sum(stats[state] for state in ("queued", "sending", "held"))
        if stats["outcome"] not in _AT_REST or unfinished:
            return f"{unfinished} messages (delivery is {stats['outcome']})"
        if events := EventStream(self.rt.redis).backlog().events:
            return f"{events} events that are unread"
        with self.rt.database.read() as session:
            unhandled = _count(session, Message.direction == Direction.IN, Message.handled_at.is_(None))
            answers = _count(session, Message.state.in_((MessageState.QUEUED, MessageState.SENDING)))
        if unhandled or answers:
            return f"{unhandled} replies and {answers} answers"
        pending = self.sandbox.stats()
        return "" if pending["at_rest"] else f"the simulated Meta ({pending['pending']})"

    def _wait(self, target: str, is_ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if is_ready():
                    return
            except (httpx.HTTPError, RedisError, OperationalError):
                pass
            if time.monotonic() > deadline:
                raise OperatorError("{what} did not answer within {seconds:.0f} s", what=target, seconds=seconds)
            self._pause(0.1)

    def _pause(self, seconds: float) -> None:
        if self.is_over.wait(seconds):
            raise DemoStoppedError


def _count(session: Any, *conditions: Any) -> int:
    return int(session.scalar(select(func.count()).select_from(Message).where(*conditions)) or 0)
