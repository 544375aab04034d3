"""Recorded and made webhook bodies, a campaign that waits for their statuses, and the ingest as a process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import func, select

from jobs.core.runtime import Runtime
from jobs.ingest import apply as apply_events
from jobs.ingest.apply import COUNTS_KEY
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.events.statuses.apply import apply_statuses
from models.tables.campaign import CampaignStatus
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.contacts import make_contact
from tests.support.paths import ROOT, WEBHOOKS


def settings_of(database_url: str, redis_url: str, var_dir: Path) -> Settings:
    return Settings(database_url, redis_url, var_dir, encryption_keys=(new_encryption_key(),), secret_key="x")


def recorded(name: str, **replaced: str) -> bytes:
    raw = (WEBHOOKS / f"{name}.json").read_text()
    for old, new in replaced.items():
        raw = raw.replace(old, new)
    return raw.encode()


def seed(rt: Runtime, people: int = 1) -> list[int]:
    """Accepted recipients `w<n>` of one campaign of the number in the recorded bodies; their ids."""
    with rt.database.write() as session:
        number = make_number(session, phone_number_id="106540352242922", display_phone="+15550783881")
        number.waba.waba_id = "102290129340398"
        campaign = make_campaign(
            session,
            number,
            make_template(session, number, name="spring", language="en_US"),
            status=CampaignStatus.ACTIVE,
        )
        rows = [
            make_recipient(
                session, campaign, make_contact(session), state=RecipientState.ACCEPTED, attempts=1, wamid=f"w{place}",
                accepted_at=utcnow(),
            )
            for place in range(people)
        ]  # fmt: skip
        return [row.id for row in rows]


def status_body(rt: Runtime, *items: tuple[int, str, str], at: int | None = None, **extra: Any) -> bytes:
    """(recipient, wamid, kind) each, as Meta sends them."""
    seconds = str(at or int(time.time()))
    statuses = [
        {
            "id": wamid,
            "status": kind,
            "timestamp": seconds,
            "biz_opaque_callback_data": f"h1:{rt.installation}:{key}:1",
            **extra,
        }
        for key, wamid, kind in items
    ]
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "106540352242922"}, "statuses": statuses}
    return json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
        }
    ).encode()


def tally(rt: Runtime) -> dict[str, int]:
    with rt.database.read() as session:
        counted = session.execute(select(Recipient.status, func.count()).group_by(Recipient.status))
        return {status: number for status, number in counted}  # noqa: C416


def counts(rt: Runtime) -> dict[str, int]:
    return {name.decode(): int(number) for name, number in rt.redis.hgetall(COUNTS_KEY).items()}  # type: ignore[union-attr]


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def poison(monkeypatch: pytest.MonkeyPatch, wamid: str, error: Exception, module: ModuleType = apply_events) -> None:
    """Whatever applies a status of this wamid fails."""
    apply = apply_statuses

    def fails(session: Any, statuses: list[Any], *rest: Any) -> Any:
        if any(status.wamid == wamid for status in statuses):
            raise error
        return apply(session, statuses, *rest)

    monkeypatch.setattr(module, "apply_statuses", fails)


class Process:
    """`python -m jobs.ingest` on given servers."""

    def __init__(self, settings: Settings) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
            "HARK_ENV_FILE": os.devnull,
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url or "",
            "SECRET_KEY": "x" * 32,
            "ENCRYPTION_KEY": settings.encryption_keys[0],
        }
        self.child = subprocess.Popen([sys.executable, "-m", "jobs.ingest"], cwd=ROOT, env=environment)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.child.send_signal(number)
        return self.child.wait(60)
