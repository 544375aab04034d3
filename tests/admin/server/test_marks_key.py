"""The key of the marks is apart from that of the tokens; each can be changed, and none that marks need can be left out."""

import dataclasses
from pathlib import Path

import pytest
from sqlalchemy import select

from admin.server.key_check import check_encryption_key, check_marks_key
from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from models.clock import utcnow
from models.config import SettingsError, load_settings
from models.crypto import Vault, new_encryption_key
from models.errors import OperatorError
from models.privacy.redact import redact_person
from models.tables.contact import Contact
from tests.support.factories.contacts import make_contact

OLD, NEW, TOKENS = new_encryption_key(), new_encryption_key(), new_encryption_key()


def start(rt: Runtime, encryption_keys: tuple[str, ...], marks_keys: tuple[str, ...] = ()) -> Runtime:
    """Another start of the same installation with these keys."""
    settings = dataclasses.replace(rt.settings, encryption_keys=encryption_keys, marks_keys=marks_keys)
    started = Runtime(settings)
    try:
        check_encryption_key(started, utcnow())
        check_marks_key(started, utcnow())
    finally:
        started.close()
    return started


def redact(rt: Runtime, phone: str) -> None:
    with rt.database.write() as session:
        assert redact_person(session, make_contact(session, phone).id, rt.vault, utcnow(), "dpo")


def refused_by(rt: Runtime, tmp_path: Path, *phones: str) -> int:
    path = tmp_path / "again.csv"
    path.write_text("phone\n" + "".join(f"{phone}\n" for phone in phones), encoding="utf-8")
    return import_contacts(rt, path).refused_total


def test_marks_of_an_older_installation_are_found_with_the_oldest_encryption_key(
    bare_rt: Runtime, tmp_path: Path
) -> None:
    older = start(bare_rt, (OLD,))
    redact(older, "+34600000001")
    now = start(bare_rt, (TOKENS, OLD), (OLD,))
    assert refused_by(now, tmp_path, "+34600000001") == 1
    retired = start(bare_rt, (TOKENS,), (OLD,))  # the tokens' old key is gone
    assert refused_by(retired, tmp_path, "+34600000001") == 1


def test_a_new_key_in_front_makes_new_marks_and_finds_the_old_ones(bare_rt: Runtime, tmp_path: Path) -> None:
    redact(start(bare_rt, (TOKENS,), (OLD,)), "+34600000001")
    rotated = start(bare_rt, (TOKENS,), (NEW, OLD))
    redact(rotated, "+34600000002")
    assert refused_by(rotated, tmp_path, "+34600000001", "+34600000002") == 2
    with rotated.database.read() as session:
        assert set(session.scalars(select(Contact.phone))) == {None}


@pytest.mark.parametrize("keys", [(NEW,), (OLD,)])
def test_a_start_without_a_key_that_marks_need_is_refused(bare_rt: Runtime, keys: tuple[str, ...]) -> None:
    redact(start(bare_rt, (TOKENS,), (OLD,)), "+34600000001")
    redact(start(bare_rt, (TOKENS,), (NEW, OLD)), "+34600000002")
    with pytest.raises(OperatorError, match="MARKS_KEY: marks of redacted people were made with another key"):
        start(bare_rt, (TOKENS,), keys)
    start(bare_rt, (TOKENS,), (OLD, NEW))  # any order


def test_an_older_installation_that_lost_its_oldest_key_is_refused(bare_rt: Runtime) -> None:
    redact(start(bare_rt, (OLD,)), "+34600000001")
    with pytest.raises(OperatorError, match="MARKS_KEY"):
        start(bare_rt, (TOKENS, OLD), (NEW,))


def test_without_marks_any_key_will_do(bare_rt: Runtime) -> None:
    start(bare_rt, (TOKENS,), (OLD,))
    start(bare_rt, (TOKENS,), (NEW,))


def test_the_key_is_made_once_for_a_new_installation_and_taken_over_by_an_older_one(tmp_path: Path) -> None:
    first = load_settings({"HARK_VAR_DIR": str(tmp_path / "new"), "HARK_ENV_FILE": "/dev/null"})
    assert first.marks_keys
    assert first.marks_keys != first.encryption_keys
    assert load_settings({"HARK_VAR_DIR": str(tmp_path / "new"), "HARK_ENV_FILE": "/dev/null"}) == first
    old = tmp_path / "old"
    old.mkdir()
    (old / "hark.db").touch()
    (old / "encryption_key").write_text(f"{NEW},{OLD}")
    found = load_settings({"HARK_VAR_DIR": str(old), "HARK_ENV_FILE": "/dev/null"})
    assert (found.encryption_keys, found.marks_keys) == ((NEW, OLD), (OLD,))
    assert found.vault().person_hash("wa:1") == Vault((NEW, OLD)).person_hash("wa:1")


def test_a_bad_or_empty_key_is_refused_in_one_line(tmp_path: Path) -> None:
    base = {"HARK_VAR_DIR": str(tmp_path), "HARK_ENV_FILE": "/dev/null"}
    with pytest.raises(SettingsError, match=r"^MARKS_KEY=…: allowed are 32 bytes"):
        load_settings(base | {"MARKS_KEY": "x"})
    (tmp_path / "marks_key").write_text("")
    with pytest.raises(SettingsError, match=r"^MARKS_KEY=…: allowed are 32 bytes"):
        load_settings(base)
