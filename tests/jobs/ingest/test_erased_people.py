"""What was said before its person was redacted brings nobody back, whenever it is applied."""

import random
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from bot.webhooks.parse import parse_payload
from jobs.core.runtime import Runtime
from jobs.ingest.apply import apply_parsed
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.privacy.redact import redact_person
from models.tables.contact import Contact
from models.tables.conversation import Message
from tests.support.ingest_rig import recorded, seed
from tests.support.wiped_rows import found_words_of

WORDS = ("34600000001", "alice", "when do you open", "es.1349")
EVENTS = ("message_text", "message_user_id_change", "echo_phone_app", "calls", "control_passed",
    "message_stop", "message_number_change", "preference_stop")  # fmt: skip


@pytest.fixture
def alice_id(rt: Runtime) -> int:
    """A person who wrote once, and is known by number and user id."""
    seed(rt)
    apply_parsed(rt, [parse_payload(recorded("message_text"))])
    with rt.database.read() as session:
        return session.scalars(select(Contact.id).where(Contact.wa_id == "34600000001")).one()


def redact(rt: Runtime, contact_id: int, now: datetime | None = None) -> None:
    with rt.database.write() as session:
        assert redact_person(session, contact_id, rt.vault, now or utcnow(), "dpo")


def remains(rt: Runtime) -> list[str]:
    with rt.database.read() as session:
        return found_words_of(session, WORDS)


def body(name: str, at: datetime | None = None) -> bytes:
    """A recorded webhook, with another id and of this time."""
    changed = {"wamid.": f"wamid.again.{random.random()}."}
    if at is not None:
        changed["1795341600"] = str(int(at.timestamp()))
    return recorded(name, **changed)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_from_before_the_redaction_makes_no_new_record(rt: Runtime, alice_id: int, name: str) -> None:
    redact(rt, alice_id)
    with rt.database.read() as session:
        before = session.scalar(select(func.count()).select_from(Contact))
    apply_parsed(rt, [parse_payload(body(name)), parse_payload(recorded("message_text"))])
    assert remains(rt) == []
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Contact)) == before


def test_who_writes_after_the_redaction_is_somebody_new(rt: Runtime, alice_id: int) -> None:
    redact(rt, alice_id, utcnow() - timedelta(hours=1))
    apply_parsed(rt, [parse_payload(body("message_text", utcnow()))])
    with rt.database.read() as session:
        again = session.scalars(select(Contact).where(Contact.wa_id == "34600000001")).one()
        assert again.id != alice_id
        assert session.scalars(select(Message.body).where(Message.body.is_not(None))).all() == ["When do you open?"]


@pytest.fixture
def postgres_rt(postgres_url: str, tmp_path: Path) -> Runtime:
    return Runtime(Settings(postgres_url, None, tmp_path, encryption_keys=(new_encryption_key(),)))


def _apply_until_done(rt: Runtime, raw: bytes) -> None:
    """As the ingest does: a transaction that met a deadlock is tried again."""
    while True:
        try:
            apply_parsed(rt, [parse_payload(raw)])
        except OperationalError as error:
            if "deadlock" not in str(error.orig):
                raise
        else:
            return


@pytest.mark.race
@pytest.mark.parametrize("wait_ms", [0, 10, 50])
def test_a_message_that_comes_within_the_transaction_of_the_redaction_leaves_nothing(
    postgres_rt: Runtime, wait_ms: int
) -> None:
    rt = postgres_rt
    seed(rt)
    apply_parsed(rt, [parse_payload(recorded("message_text"))])
    with rt.database.read() as session:
        contact_id = session.scalars(select(Contact.id).where(Contact.wa_id == "34600000001")).one()
    threads = [
        threading.Thread(target=_apply_until_done, args=(rt, body(name, utcnow())))
        for name in ("message_text", "message_username", "message_stop", "echo_phone_app", "calls")
    ]
    with rt.database.write() as session:
        assert redact_person(session, contact_id, rt.vault, utcnow(), "dpo")
        for thread in threads:
            thread.start()
        time.sleep(wait_ms / 1000)
    for thread in threads:
        thread.join(20)
    assert remains(rt) == []
    rt.close()


@pytest.mark.race
def test_messages_at_random_moments_leave_nothing(postgres_rt: Runtime) -> None:
    rt = postgres_rt
    seed(rt)
    apply_parsed(rt, [parse_payload(recorded("message_text"))])
    with rt.database.read() as session:
        contact_id = session.scalars(select(Contact.id).where(Contact.wa_id == "34600000001")).one()
    is_over = threading.Event()

    def keep_saying() -> None:
        while not is_over.is_set():
            _apply_until_done(rt, body(random.choice(["message_text", "message_username", "calls"]), utcnow()))

    threads = [threading.Thread(target=keep_saying) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(random.uniform(0.01, 0.1))
    while True:
        try:
            redact(rt, contact_id)
        except OperationalError as error:
            assert "deadlock" in str(error.orig)  # noqa: PT017 - the operation tries again
        else:
            break
    time.sleep(0.1)
    is_over.set()
    for thread in threads:
        thread.join(20)
    assert remains(rt) == []
    rt.close()
