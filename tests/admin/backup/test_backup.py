"""Backups of both databases: made while others write, put back whole, or refused in one line."""

import dataclasses
import json
import sqlite3
import stat
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from admin.auth.sessions import SessionOrigin, begin_session, complete_session, find_session
from admin.auth.signed_in_user import SignedInUser
from admin.backup.archive import MANIFEST
from admin.backup.keys import put_keys_back, read_keys, write_keys
from admin.server.key_check import check_encryption_key
from jobs.core.redis_client import redis_client
from jobs.ingest.consumer import BEAT_KEY
from jobs.restore.epoch_copies import EpochCopies
from jobs.restore.watch import look_after_holds
from models.clock import utcnow
from models.config import load_settings
from models.crypto import new_encryption_key
from models.db.engine import Database
from models.errors import OperatorError
from models.restore.hold import current_hold
from models.sending.epoch import raise_epoch
from models.tables.audit import Audit
from models.tables.browser_session import BrowserSession, EndReason, SignInMethod
from models.tables.contact import Contact
from models.tables.user import Role, User
from tests.support.cli_app import Shell
from tests.support.factories.contacts import make_contact


@pytest.fixture
def used(shell: Shell, number_and_people_added: None) -> Shell:
    """An installation with a number, people, a campaign and a file."""
    shell.add_campaign()
    media = shell.rt.settings.var_dir / "media"
    media.mkdir(parents=True)
    (media / ("a" * 64 + ".png")).write_bytes(b"picture")
    return shell


def backup(shell: Shell, *more: str) -> str:
    """The path of a new backup."""
    path = str(shell.directory / "hark.backup")
    shell.ok("backup", path, *more)
    shell.rt.database.dispose()
    return path


def rows(shell: Shell) -> dict[str, int]:
    """How many rows each table has."""
    with shell.rt.database.read() as session:
        tables = Contact.metadata.sorted_tables
        found = {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
    shell.rt.database.dispose()
    return found


def test_what_was_kept_comes_back_whole(used: Shell) -> None:
    path = backup(used)
    before = rows(used)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    with used.rt.database.write() as session:
        make_contact(session, "+34600990099", name="Later")
    used.rt.database.dispose()
    (used.rt.settings.var_dir / "media" / ("a" * 64 + ".png")).unlink()
    assert rows(used) != before
    assert "with 1 media files" in used.ok("restore", path, "--replace")
    assert rows(used) == before
    assert (used.rt.settings.var_dir / "media" / ("a" * 64 + ".png")).read_bytes() == b"picture"
    with used.rt.database.write() as session:  # ids go on where they were
        newest = session.scalars(select(func.max(Contact.id))).one()
        assert make_contact(session, "+34600990098", name="New").id > newest


def test_a_backup_put_back_holds_what_may_have_been_sent_since(used: Shell) -> None:
    look_after_holds(used.rt, utcnow())
    path = backup(used)
    with used.rt.database.write() as session:
        epoch = raise_epoch(session)
    EpochCopies(used.rt).keep(epoch)
    used.rt.database.dispose()
    used.ok("restore", path, "--replace")
    look_after_holds(used.rt, utcnow())
    with used.rt.database.read() as session:
        assert current_hold(session) is not None


def test_a_session_of_the_copy_opens_nothing_once_it_is_put_back(used: Shell) -> None:
    with used.rt.database.write() as session:
        user = User(email="a@b", password_hash="-", role=Role.ADMIN, session_key="s", created_at=utcnow())
        session.add(user)
        session.flush()
        person = SignedInUser.of(user)
    origin = SessionOrigin("192.0.2.1", "Firefox on Linux")
    token = begin_session(used.rt, person, SignInMethod.PASSWORD, origin, utcnow())
    token = complete_session(used.rt, token, utcnow())
    path = backup(used)
    with used.rt.database.read() as session:
        assert session.scalars(select(Audit.object_type).where(Audit.action == "export")).all() == ["database"]
    used.rt.database.dispose()
    used.ok("restore", path, "--replace")
    assert find_session(used.rt, token, utcnow()) is None
    with used.rt.database.read() as session:
        assert session.scalars(select(BrowserSession.end_reason)).all() == [EndReason.RESTORED]


def test_a_copy_is_of_one_moment_while_others_write(used: Shell) -> None:
    is_over = threading.Event()

    def write() -> None:
        place = 0
        while not is_over.is_set():
            place += 1
            with used.rt.database.write() as session:
                make_contact(session, f"+346007{place:05d}", name=f"Pair {place}")
                make_contact(session, f"+346008{place:05d}", name=f"Pair {place}")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        path = str(used.directory / "hark.backup")
        used.ok("backup", path)
    finally:
        is_over.set()
        thread.join(60)
    used.rt.database.dispose()
    used.ok("restore", path, "--replace")
    with used.rt.database.read() as session:
        pairs = session.execute(
            select(func.count()).where(Contact.first_name == "Pair").group_by(Contact.last_name)
        ).scalars()
        assert set(pairs) <= {2}


def test_keys_go_into_a_file_of_their_own_alone(used: Shell) -> None:
    keys = used.directory / "keys"
    path = backup(used, "--keys", str(keys))
    (key,) = used.rt.settings.encryption_keys
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert f"ENCRYPTION_KEY={key}" in keys.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert key.encode() not in content
            assert used.rt.settings.secret_key.encode() + b"\n" not in content
    assert "file of their own" in used.refused("backup", path, "--keys", path)


def test_a_backup_of_other_keys_is_refused(used: Shell) -> None:
    check_encryption_key(used.rt, utcnow())  # as at each start
    path = backup(used)
    other = used.directory / "other"
    other.write_text(f"ENCRYPTION_KEY={new_encryption_key()}\nSECRET_KEY=x\n", encoding="utf-8")
    assert "another ENCRYPTION_KEY" in used.refused("restore", path, "--replace", "--keys", str(other))
    for content, about in (("", "ENCRYPTION_KEY is missing"), ("ENCRYPTION_KEY=x\nSECRET_KEY=y\n", "is no key")):
        other.write_text(content, encoding="utf-8")
        assert about in used.refused("restore", path, "--replace", "--keys", str(other))
    assert "no such file" in used.refused("restore", path, "--replace", "--keys", str(used.directory / "none"))


def test_a_database_that_is_there_is_replaced_only_on_purpose_and_kept(used: Shell) -> None:
    path = backup(used)
    assert "--replace" in used.refused("restore", path)
    told = used.data("restore", path, "--replace", "--json")
    url = make_url(used.rt.settings.database_url)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(told["kept"])) as kept:
            assert kept.execute("SELECT count(*) FROM contact").fetchone() == (3,)
        assert not Path(f"{url.database}-wal").exists() or Path(f"{url.database}-wal").stat().st_size == 0
    else:
        assert told["kept"] is None


@pytest.mark.parametrize("damage", ["cut", "byte", "member", "format", "revision", "nothing", "missing"])
def test_what_is_damaged_newer_or_no_backup_is_refused_and_changes_nothing(used: Shell, damage: str) -> None:
    path = Path(backup(used))
    before = rows(used)
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "byte":
        path.write_bytes(with_a_wrong_byte(path, content))
    elif damage == "nothing":
        path.write_bytes(b"")
    elif damage == "missing":
        path.unlink()
    else:
        rewrite(path, damage)
    line = used.refused("restore", str(path), "--replace")
    words = {
        "cut": "cut off", "byte": "damaged", "member": "manifest", "format": "newer version", "revision": "newer version",
        "nothing": "no backup", "missing": "No such file",
    }  # fmt: skip
    assert words[damage] in line.replace(str(used.directory), "")
    assert rows(used) == before


def with_a_wrong_byte(path: Path, content: bytes) -> bytes:
    """The archive with one byte changed in the middle of its first member's content."""
    with zipfile.ZipFile(path) as archive:
        member = archive.infolist()[0]
    name_and_extra = int.from_bytes(content[member.header_offset + 26 : member.header_offset + 28], "little")
    name_and_extra += int.from_bytes(content[member.header_offset + 28 : member.header_offset + 30], "little")
    place = member.header_offset + 30 + name_and_extra + member.compress_size // 2
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


def rewrite(path: Path, damage: str) -> None:
    """The archive again, with another manifest or a member too many."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members[MANIFEST])
    if damage == "member":
        members = {"tables/extra.copy": b"x"} | members
    manifest |= {"format": 99} if damage == "format" else {}
    manifest |= {"revision": "9999"} if damage == "revision" else {}
    members[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_nothing_is_put_back_while_something_runs(used: Shell) -> None:
    path = backup(used)
    with redis_client(used.rt.settings) as redis:
        redis.set(BEAT_KEY, "someone", ex=60)
        assert "still runs" in used.refused("restore", path, "--replace")
        redis.delete(BEAT_KEY)
    other = Database(used.rt.settings.database_url)
    with other.read() as session:
        session.scalars(select(Audit.id).limit(1)).all()
        assert "stop Hark" in used.refused("restore", path, "--replace")
    other.dispose()
    used.ok("restore", path, "--replace")


@pytest.mark.sqlite_only
def test_a_malformed_database_is_neither_kept_nor_in_the_way(used: Shell) -> None:
    path = backup(used)
    database = Path(str(make_url(used.rt.settings.database_url).database))
    content = bytearray(database.read_bytes())
    content[4096 : 4096 * 6] = b"\x55" * (4096 * 5)
    database.write_bytes(bytes(content))
    other = used.directory / "second.backup"
    assert "malformed" in used.refused("backup", str(other))
    assert not other.exists()
    used.ok("restore", path, "--replace")
    assert "newest" in used.ok("db", "check")


def test_an_installation_with_keys_of_its_own_moves_to_a_new_machine(tmp_path: Path) -> None:
    """The keys under `var/` are replaced by those of the backup."""
    old, new = (
        load_settings({"HARK_VAR_DIR": str(tmp_path / "old")}),
        load_settings({"HARK_VAR_DIR": str(tmp_path / "new")}),
    )
    assert old.encryption_keys != new.encryption_keys
    write_keys(old, tmp_path / "keys")
    put_keys_back(new, read_keys(tmp_path / "keys"))
    moved = load_settings({"HARK_VAR_DIR": str(tmp_path / "new")})
    assert (moved.encryption_keys, moved.secret_key) == (old.encryption_keys, old.secret_key)
    with pytest.raises(OperatorError, match="set in the environment"):
        put_keys_back(dataclasses.replace(new, secret_key="of the environment"), read_keys(tmp_path / "keys"))
