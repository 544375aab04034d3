"""After a redaction nothing of the person is found in any byte of `var/`, nor in any table, index or dump of PostgreSQL."""

import base64
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from admin.operations.contacts import redact_contact
from jobs.core.runtime import Runtime
from jobs.imports.uploads import UploadKind, store_upload
from models.contacts.text_search import fold_stale
from tests.support.import_rig import workbook
from tests.support.past_person import DIGITS, person_with_a_past
from tests.support.wiped_rows import Written, found_words, write_everywhere

SPELLINGS = (
    DIGITS, "+34 600 000 001", "600000001", "Alice", "alice@example.com", "my secret", "shoe size", "ES.alice",
    base64.b64encode(DIGITS.encode()).decode().rstrip("="),
)  # fmt: skip


def found_in(contents: dict[str, bytes]) -> list[str]:
    return [
        f"{name}: {word}"
        for name, content in contents.items()
        for word in SPELLINGS
        if word.casefold().encode() in content.lower() or word.casefold().encode("utf-16-le") in content.lower()
    ]


def files(rt: Runtime) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in rt.settings.var_dir.rglob("*") if path.is_file()}


@pytest.fixture
def full_id(rt: Runtime) -> int:
    """Somebody in every table, in uploads, in rejects and in the log."""
    with rt.database.write() as session:
        person = person_with_a_past(session)
        write_everywhere(session, Written.of(session, person.id))
        fold_stale(session)
        contact_id = person.id
    store_upload(rt, "people.csv", b"phone,name\r\n+34 600 000 001,Alice\r\n+34600990001,Bob\r\n", "ann@example.com")
    book = workbook(rt.settings.var_dir / "book.xlsx", ["phone", "name"], [int(DIGITS), "Alice"])
    store_upload(rt, "people.xlsx", book.read_bytes(), "ann@example.com")
    book.unlink()
    store_upload(rt, "others.csv", b"phone,name\r\n+34600990001,Bob\r\n", "ann@example.com", UploadKind.LIST)
    log = rt.settings.var_dir / "log" / "errors.log"
    log.parent.mkdir()
    log.write_text(f"ValueError: contact +{DIGITS} is odd\nanother line\n")
    return contact_id


def test_no_byte_under_var_names_the_person_after_a_redaction(rt: Runtime, full_id: int) -> None:
    if rt.database.is_sqlite:
        assert found_in(files(rt)) != []
    redact_contact(rt, full_id, "dpo@example.com")
    assert found_in(files(rt)) == []
    with rt.database.read() as session:
        assert found_words(session) == []
    assert "another line" in (rt.settings.var_dir / "log" / "errors.log").read_text()
    left = [path.name for path in (rt.settings.var_dir / "imports").rglob("*.csv")]
    assert left == ["others.csv"]


def test_postgresql_s_tables_indexes_and_dump_do_not_name_the_person(rt: Runtime, full_id: int, tmp_path: Path) -> None:
    if rt.database.is_sqlite:
        return
    redact_contact(rt, full_id, "dpo@example.com")
    rt.database.dispose()
    url = make_url(rt.settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    sampled = "SELECT coalesce(string_agg(s::text, ' '), '') FROM pg_stats s WHERE schemaname = 'public'"
    with psycopg.connect(url) as connection:
        dump: dict[str, bytes] = {}
        for (name,) in connection.execute(tables).fetchall():
            with connection.cursor().copy(f'COPY "{name}" TO STDOUT') as rows:
                dump[name] = b"".join(bytes(chunk) for chunk in rows)
        statistics = connection.execute(sampled).fetchone()
    assert statistics is not None
    assert found_in(dump | {"statistics": statistics[0].encode()}) == []


def test_a_second_redaction_of_the_same_person_is_allowed(rt: Runtime, full_id: int) -> None:
    redact_contact(rt, full_id, "dpo@example.com")
    redact_contact(rt, full_id, "dpo@example.com")
    with rt.database.read() as session:
        assert found_words(session) == []
