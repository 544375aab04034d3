"""An import as it runs: in chunks, beside another one, and again after it died."""

import csv
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from jobs.core.runtime import Runtime
from jobs.imports import staging as import_spool
from jobs.imports.contacts import import_contacts
from jobs.imports.result import ImportResult
from models.tables.contact import Consent, ConsentEvent
from models.tables.tag import ContactTag
from tests.support.import_rig import counts, people, tags_of


def test_a_long_file_goes_in_chunk_by_chunk_with_progress(
    bare_rt: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 10)
    monkeypatch.setattr(import_spool, "MAX_WRITE_SECONDS", 60)
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["phone", "name", "tags"])
        writer.writerows([f"+3460001{n:04d}", f"P {n}", "vip"] for n in range(25))
        writer.writerow(["+34600010003", "P 3", "vip"])
    seen: list[tuple[int, int]] = []
    result = import_contacts(bare_rt, file, progress=lambda done, total: seen.append((done, total)))
    assert counts(result) == (25, 0, 1, 0)
    assert seen == [(10, 26), (20, 26), (26, 26)]


def test_a_slow_machine_gets_smaller_chunks(bare_rt: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 10)
    monkeypatch.setattr(import_spool, "MIN_ROWS", 3)
    monkeypatch.setattr(import_spool, "MAX_WRITE_SECONDS", 0.0)
    file.write_text("phone\n" + "".join(f"+3460001{n:04d}\n" for n in range(20)))
    seen: list[int] = []
    assert counts(import_contacts(bare_rt, file, progress=lambda done, _: seen.append(done))) == (20, 0, 0, 0)
    assert seen == [10, 13, 16, 19, 20]


def test_a_chunk_takes_as_many_statements_however_many_rows_it_has(bare_rt: Runtime, file: Path) -> None:
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, rows: Any, _context: Any, is_many: bool) -> None:
        statements.extend([statement] * (len(rows) if is_many else 1))

    event.listen(bare_rt.database.write_engine, "before_cursor_execute", count)
    taken: dict[tuple[int, str], int] = {}
    for size in (3, 300):
        for name in ("Eva", "Ana"):  # first new, then changed
            lines = (f"+34{size:03d}{n:06d},{name},subscribed,web,vip;n={n};of={name}\n" for n in range(size))
            file.write_text("phone,name,consent,consent_source,tags\n" + "".join(lines))
            statements.clear()
            result = import_contacts(bare_rt, file)
            assert result.created + result.updated == size
            taken[size, name] = len(statements)
    assert taken[300, "Eva"] <= taken[3, "Eva"]
    assert taken[300, "Ana"] <= taken[3, "Ana"]


def test_what_an_import_writes_is_what_was_said_on_both_databases(bare_rt: Runtime, file: Path) -> None:
    file.write_text(
        "phone,name,email,language,country,consent,consent_source,tags,shop's \"name\n".replace('"', "")
        + '+34600000081,Zoë 🎉,zoe@example.com,es,MX,subscribed,form,"it\'s; k=a=b, c",{\\}\n'
    )
    result = import_contacts(bare_rt, file)
    assert counts(result) == (1, 0, 0, 0)
    kept = people(bare_rt)["+34600000081"]
    assert (kept.name, kept.email, kept.language, kept.country) == ("Zoë 🎉", "zoe@example.com", "es", "MX")
    assert kept.attributes == {"shop's name": "{\\}"}
    assert (kept.consent, kept.phone_problem, kept.has_identity, kept.undeliverable_count) == (
        "subscribed",
        None,
        False,
        0,
    )
    assert kept.consent_at == kept.created_at == kept.updated_at
    assert tags_of(bare_rt, "+34600000081") == {"it's": None, "k": "a=b, c"}
    with bare_rt.database.read() as session:
        told = session.scalars(select(ConsentEvent)).one()
    assert (told.before, told.after, told.source, told.actor) == (None, Consent.SUBSCRIBED, "form", "cli")
    assert told.at == kept.consent_at
    assert counts(import_contacts(bare_rt, file)) == (0, 0, 1, 0)


@pytest.mark.race
def test_two_imports_at_once_make_no_second_record(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone,tags\n" + "".join(f"+3460001{n:04d},vip;n={n}\n" for n in range(200)))
    results: list[ImportResult] = []
    threads = [threading.Thread(target=lambda: results.append(import_contacts(bare_rt, file))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.created for result in results) == 200
    assert sum(result.unchanged for result in results) == 400
    with bare_rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ContactTag)) == 400


def test_an_import_that_died_goes_on_when_it_is_started_again(
    bare_rt: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 10)
    monkeypatch.setattr(import_spool, "MAX_WRITE_SECONDS", 60)
    file.write_text("phone\n" + "".join(f"+3460001{n:04d}\n" for n in range(30)))

    def die(done: int, total: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_contacts(bare_rt, file, progress=die)
    assert len(people(bare_rt)) == 20
    assert counts(import_contacts(bare_rt, file)) == (10, 0, 20, 0)
