"""What is written to a redacted person is wiped by the database itself, whoever writes it."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, true, update
from sqlalchemy.orm import Session

from models.crypto import Vault, new_encryption_key
from models.db.engine import Database
from models.privacy.guards import guards, install_guards
from models.privacy.redact import redact_person
from models.privacy.store import Blank
from models.privacy.tables import TABLES
from models.tables import metadata
from models.tables.contact import ConsentEvent, Contact, ContactIdentity
from models.tables.contact_alias import ContactAlias
from models.tables.conversation import Direction, Message, MessageState
from models.tables.flow import FlowSession, SessionStatus
from models.tables.recipient import Recipient
from models.tables.tag import ContactTag
from tests.support.factories.common import NOW
from tests.support.past_person import DIGITS, person_with_a_past
from tests.support.wiped_rows import Written, found_words, write_everywhere

LATER = NOW + timedelta(days=1)


@pytest.fixture
def marks_vault() -> Vault:
    return Vault((new_encryption_key(),))


@pytest.fixture
def past(database: Database) -> Written:
    """A person with rows in every table, and what is needed to write more of them."""
    with database.write() as session:
        person = person_with_a_past(session)
        return Written.of(session, person.id)


def redact(database: Database, vault: Vault, contact_id: int) -> None:
    with database.write() as session:
        assert redact_person(session, contact_id, vault, LATER, "dpo")


def test_whatever_is_written_later_to_every_table_of_a_person_is_gone(
    database: Database, past: Written, marks_vault: Vault
) -> None:
    redact(database, marks_vault, past.contact_id)
    with database.write() as session:
        written = write_everywhere(session, past)
    assert written == {store.name for store in TABLES if store.guarded is not None}
    with database.read() as session:
        assert found_words(session) == []


def test_an_update_of_a_row_that_stayed_brings_nothing_back(
    database: Database, past: Written, marks_vault: Vault
) -> None:
    redact(database, marks_vault, past.contact_id)
    with database.write() as session:
        for store in TABLES:
            rule = store.guarded
            if isinstance(rule, Blank):
                values = {name: {"words": "secret"} if value == {} else "secret" for name, value in rule.values.items()}
                if store.name == "message":
                    del values["wamid"]  # it is unique
                for name in ("payload", "result", "source_values"):
                    if name in values:
                        values[name] = {"words": "secret"}
                table = metadata.tables[store.name]
                rows = table.c.after != "redacted" if store.name == "consent_event" else true()
                session.execute(update(table).where(rows).values(values))
        session.execute(
            update(Contact)
            .where(Contact.id == past.contact_id)
            .values(
                name="Alice", phone=f"+{DIGITS}", wa_id=DIGITS, attributes={"a": "secret"}, person_key=f"wa:{DIGITS}"
            )
        )
    with database.read() as session:
        assert found_words(session) == []


def test_others_are_left_alone(database: Database, past: Written, marks_vault: Vault) -> None:
    with database.write() as session:
        write_everywhere(session, past)
        before = len(found_words(session))
    assert before > 10
    with database.read() as session:
        assert session.scalar(select(Message.state).where(Message.body == "secret 1")) is MessageState.RECEIVED


def test_the_guards_are_there_once_and_come_back_when_they_are_lost(database: Database) -> None:
    def names() -> set[str]:
        query = {
            True: "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'erasure_%'",
            False: "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'erasure_%'",
        }[database.is_sqlite]
        with database.read() as session:
            return set(session.scalars(text(query)))

    wanted = {trigger.name for trigger in guards("sqlite" if database.is_sqlite else "postgresql")}
    assert names() == wanted
    lost = sorted(wanted)[0]
    with database.write_engine.connect() as connection:
        where = "" if database.is_sqlite else f" ON {lost.removeprefix('erasure_').rsplit('_', 2)[0]}"
        connection.exec_driver_sql(f"DROP TRIGGER {lost}{where}")
        connection.commit()
        assert names() == wanted - {lost}
        install_guards(connection)
    assert names() == wanted


def _say(session: Session, past: Written) -> None:
    session.add(
        Message(
            conversation_id=past.conversation_id, direction=Direction.IN, state=MessageState.RECEIVED, type="text",
            body="my secret", payload={"from": DIGITS}, wamid="wamid.late", at=LATER,
        )
    )  # fmt: skip


def _tag(session: Session, past: Written) -> None:
    session.execute(
        insert(ContactTag).values(contact_id=past.contact_id, tag_id=past.tag_id, value="secret", created_at=NOW)
    )


def _name(session: Session, past: Written) -> None:
    session.execute(update(Contact).where(Contact.id == past.contact_id).values(name="Alice", email="alice@x.example"))


def _alias(session: Session, past: Written) -> None:
    values = {"key": f"wa:{DIGITS}9", "shown": f"+{DIGITS}9", "was_whatsapp": True, "created_at": NOW}
    session.execute(insert(ContactAlias).values(contact_id=past.contact_id, **values))


def _launch(session: Session, past: Written) -> None:
    values = {"campaign_id": past.campaign_id, "person_key": f"wa:{DIGITS}", "state": "queued", "queued_at": NOW}
    session.execute(insert(Recipient).values(contact_id=past.contact_id, source_values={"a": "secret"}, **values))


def _identify(session: Session, past: Written) -> None:
    values = {"portfolio_id": past.portfolio_id, "bsuid": "ES.alice.2", "created_at": NOW}
    session.execute(insert(ContactIdentity).values(contact_id=past.contact_id, **values))


def _consent(session: Session, past: Written) -> None:
    values = {"after": "subscribed", "at": NOW, "source": "form of Alice", "proof": "secret", "actor": "x"}
    session.execute(insert(ConsentEvent).values(contact_id=past.contact_id, **values))


def _begin_flow(session: Session, past: Written) -> None:
    session.add(
        FlowSession(
            contact_id=past.contact_id, number_id=past.number_id, flow_version_id=past.flow_version_id,
            status=SessionStatus.ACTIVE, state={"answers": "secret"}, started_at=NOW, updated_at=NOW,
        )
    )  # fmt: skip


WRITES: dict[str, Callable[[Session, Written], None]] = {
    "message": _say, "tag": _tag, "name": _name, "alias": _alias, "recipient": _launch, "identity": _identify,
    "consent": _consent, "flow": _begin_flow,
}  # fmt: skip


@pytest.mark.parametrize("kind", WRITES)
@pytest.mark.parametrize("writes_first", [True, False])
def test_of_a_write_and_a_redaction_that_overlap_nothing_stays(
    postgres_url: str, marks_vault: Vault, kind: str, writes_first: bool
) -> None:
    database = Database(postgres_url)
    with database.write() as session:
        person = person_with_a_past(session)
        past = Written.of(session, person.id)
    failed: list[BaseException] = []

    def run(act: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - shown by the test
                failed.append(error)

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    def write() -> None:
        with database.write() as session:
            session.get_one(Contact, past.contact_id)  # it is decided whose it is
            WRITES[kind](session, past)

    if writes_first:
        with database.write() as session:
            WRITES[kind](session, past)
            session.flush()
            thread = run(lambda: redact(database, marks_vault, past.contact_id))
            time.sleep(0.1)
            assert thread.is_alive()  # it waits for whoever writes
    else:
        with database.write() as session:
            assert redact_person(session, past.contact_id, marks_vault, LATER, "dpo")
            thread = run(write)
            time.sleep(0.1)
            assert thread.is_alive() or failed == []
    thread.join(10)
    assert failed == []
    with database.read() as session:
        assert found_words(session) == []
    database.dispose()


@pytest.mark.race
def test_writes_at_random_moments_bring_nobody_back(postgres_url: str, marks_vault: Vault) -> None:
    database = Database(postgres_url)
    with database.write() as session:
        past = Written.of(session, person_with_a_past(session).id)
    is_over = threading.Event()

    def keep_writing(kind: str) -> None:
        while not is_over.is_set():
            try:
                with database.write() as session:
                    WRITES[kind](session, past)
            except Exception as error:  # noqa: BLE001 - a row of the same kind is there already
                if "deadlock" in str(error):
                    time.sleep(0.01)

    threads = [threading.Thread(target=keep_writing, args=(kind,)) for kind in WRITES]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    redact(database, marks_vault, past.contact_id)
    time.sleep(0.1)
    is_over.set()
    for thread in threads:
        thread.join(10)
    with database.read() as session:
        assert found_words(session) == []
    database.dispose()
