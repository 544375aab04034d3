"""Adding files to the library, and removing them."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.media import cleanup, library
from jobs.media.cleanup import KEEP, delete_contents, remove_media, wake_media_cleanup
from jobs.media.incoming import LEFT_OVER_SECONDS, TooLongError, spooled, take_in
from jobs.media.library import add_local_file, add_media, find_media, plain_name
from jobs.media.store import DirectoryStore, MediaStoreError
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import Audit
from models.tables.media import MediaFile, MediaHandle
from tests.support.factories.campaigns import make_campaign, make_number
from tests.support.media import JPEG, MP4, PDF, PNG

ANA = "ana@example.com"


def add(rt: Runtime, name: str = "spring.png", content: bytes = PNG) -> MediaFile:
    return add_media(rt, name, [content[:10], content[10:]], ANA, utcnow())


def rows(rt: Runtime) -> list[MediaFile]:
    with rt.database.read() as session:
        return list(session.scalars(select(MediaFile).order_by(MediaFile.id)))


def contents(rt: Runtime) -> list[str]:
    return [path.name for path in sorted((rt.settings.var_dir / "media").glob("*"))]


def test_the_same_content_is_stored_once(bare_rt: Runtime) -> None:
    first, again = add(bare_rt, "C:\\pictures\\spring.png"), add(bare_rt, "again.png")
    assert (again.id, again.name, again.created_by) == (first.id, "spring.png", ANA)
    assert contents(bare_rt) == [first.storage_key]
    assert (bare_rt.settings.var_dir / "media" / first.storage_key).read_bytes() == PNG
    with bare_rt.database.read() as session:
        assert [(row.action, row.object_type) for row in session.scalars(select(Audit))] == [("add", "media_file")]
        assert find_media(session, str(first.id)).id == find_media(session, first.sha256.upper()).id == first.id


def test_what_is_refused_leaves_nothing(bare_rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperatorError, match="is a PDF, not a picture"):
        add(bare_rt, "photo.jpg", PDF)
    monkeypatch.setattr(library, "MAX_BYTES", 20)
    with pytest.raises(OperatorError, match=r"film\.mp4 is a file of over 0 MB"):
        add(bare_rt, "film.mp4", MP4)
    assert (rows(bare_rt), contents(bare_rt)) == ([], [])
    assert list((bare_rt.settings.var_dir / "incoming").iterdir()) == []


def test_a_file_is_taken_in_piece_by_piece(bare_rt: Runtime) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(TooLongError), take_in(bare_rt.settings, endless(), 5_000):
        raise AssertionError
    assert taken == 6
    with spooled(bare_rt.settings, [b"one", b"two"]) as file:
        assert list((bare_rt.settings.var_dir / "incoming").iterdir()) == []
        assert file.read() == b"onetwo"


def test_what_a_process_left_that_died_goes_after_a_day(bare_rt: Runtime) -> None:
    left = bare_rt.settings.var_dir / "incoming" / "left"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    add(bare_rt)
    assert left.exists()
    long_ago = left.stat().st_mtime - LEFT_OVER_SECONDS - 60
    os.utime(left, (long_ago, long_ago))
    add(bare_rt)
    assert not left.exists()


def test_a_process_that_dies_before_the_content_is_stored_shows_no_file(
    bare_rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: DirectoryStore, _key: str, _path: Path) -> None:
        raise MediaStoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(DirectoryStore, "put", fail)
        with pytest.raises(MediaStoreError):
            add(bare_rt)
    (row,) = rows(bare_rt)
    assert row.deleted_at is not None
    with bare_rt.database.read() as session, pytest.raises(OperatorError, match="no such file"):
        find_media(session, row.sha256)
    shown = add(bare_rt)
    assert (shown.id, shown.deleted_at, contents(bare_rt)) == (row.id, None, [row.storage_key])


def test_a_content_that_was_lost_comes_back_by_adding_it_again(bare_rt: Runtime) -> None:
    row = add(bare_rt)
    (bare_rt.settings.var_dir / "media" / row.storage_key).unlink()
    assert add(bare_rt).id == row.id
    assert contents(bare_rt) == [row.storage_key]


def test_of_several_who_add_the_same_file_at_once_each_has_it(bare_rt: Runtime) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(add(bare_rt).id)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (row,) = rows(bare_rt)
    assert (found, row.deleted_at, contents(bare_rt)) == ([row.id] * 5, None, [row.storage_key])


def test_a_removed_content_goes_a_day_later_with_its_ids_at_meta(bare_rt: Runtime) -> None:
    now, row, kept = utcnow(), add(bare_rt), add(bare_rt, "kept.jpg", JPEG)
    with bare_rt.database.write() as session:
        number = make_number(session)
        session.add(MediaHandle(number_id=number.id, sha256=row.sha256, media_id="77", created_at=now))
    remove_media(bare_rt, str(row.id), ANA, now)
    assert delete_contents(bare_rt, now + KEEP / 2) == 0
    assert add(bare_rt).id == row.id  # as long as it is there, adding it again shows it again
    remove_media(bare_rt, str(row.id), ANA, now)
    assert delete_contents(bare_rt, now + KEEP * 2) == 1
    assert (contents(bare_rt), [left.id for left in rows(bare_rt)]) == ([kept.storage_key], [kept.id])
    with bare_rt.database.read() as session:
        assert session.scalars(select(MediaHandle)).all() == []
    assert add(bare_rt).storage_key != row.storage_key


def test_a_clean_up_that_dies_halfway_goes_on_where_it_was(bare_rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    now, row = utcnow(), add(bare_rt)
    remove_media(bare_rt, row.sha256, ANA, now)

    def fail(_self: DirectoryStore, _key: str) -> None:
        raise MediaStoreError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(DirectoryStore, "delete", fail)
        assert delete_contents(bare_rt, now + KEEP * 2) == 0
    assert contents(bare_rt) == [row.storage_key]
    again = add(bare_rt)  # a new row with a content of its own
    assert again.id != row.id
    assert delete_contents(bare_rt, now + KEEP * 2) == 1
    assert contents(bare_rt) == [again.storage_key]


def test_a_file_that_a_campaign_needs_is_neither_removed_nor_deleted(bare_rt: Runtime) -> None:
    now, row = utcnow(), add(bare_rt)
    remove_media(bare_rt, str(row.id), ANA, now)
    with bare_rt.database.write() as session:  # which somebody saved at that very moment
        campaign = make_campaign(session, media={"header": {"sha256": row.sha256}}, name="Spring")
    assert delete_contents(bare_rt, now + KEEP * 2) == 0
    add(bare_rt)
    with pytest.raises(OperatorError, match=rf"is used by campaign {campaign.id} \(Spring\)"):
        remove_media(bare_rt, str(row.id), ANA, now)


def test_the_clean_up_is_enqueued_when_there_is_something_to_delete(rt: Runtime) -> None:
    now, row = utcnow(), add(rt)
    remove_media(rt, str(row.id), ANA, now)
    assert not wake_media_cleanup(rt, now)
    assert wake_media_cleanup(rt, now + KEEP * 2)
    with rt.database.write() as session:
        session.get_one(MediaFile, row.id).deleted_at = now - KEEP * 2
    cleanup.delete_removed_media()
    assert rows(rt) == []


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("spring.png", "spring.png"),
        ("/etc/../spring.png", "spring.png"),
        ("C:\\a\\spring.png", "spring.png"),
        ("a\r\nX-Header: 1\0.png", "aX-Header: 1.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("..", "file"),
        ("", "file"),
        ("n" * 300 + ".png", "n" * 196 + ".png"),
        ("\udcff.png", "png"),
    ],
)
def test_a_name_is_plain(given: str, plain: str) -> None:
    assert plain_name(given) == plain


def test_a_file_of_this_machine_is_added(bare_rt: Runtime, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(MP4)
    row = add_local_file(bare_rt, tmp_path / "film.mp4", ANA, utcnow())
    assert (row.name, row.kind.value, row.width, row.height, row.duration_seconds) == (
        "film.mp4",
        "video",
        640,
        360,
        2.5,
    )
    with pytest.raises(OSError, match="No such file"):
        add_local_file(bare_rt, tmp_path / "nothing.mp4", ANA, utcnow())
