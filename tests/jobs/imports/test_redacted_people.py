"""An import brings back nobody who was redacted, also one that was running then; its files name them no longer."""

from pathlib import Path

import pytest

from admin.operations.contacts import redact_contact
from jobs.core.runtime import Runtime
from jobs.imports import redact_uploads as module
from jobs.imports.contacts import import_contacts
from jobs.imports.redact_uploads import delete_flagged
from jobs.imports.result import write_rejects
from jobs.imports.uploads import UploadStage, load_upload, locked, save_upload, store_upload, upload_path
from models.contacts.lookup import find_contact
from models.imports.upsert import STAYS_OUT
from tests.support.factories.contacts import make_contact

PEOPLE = "phone,name\n+34600000001,Alice\n+34600990001,Bob\n"


@pytest.fixture
def alice_of_file(rt: Runtime) -> int:
    with rt.database.write() as session:
        return make_contact(session, "+34600000001", name="Alice").id


def test_an_import_that_runs_while_somebody_is_redacted_does_not_bring_them_back(
    rt: Runtime, alice_of_file: int, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    rows = "".join(f"+346{place:08d},Somebody\n" for place in range(2_000))
    path.write_text(f"phone,name\n{rows}+34600000001,Alice\n", encoding="utf-8")
    redacted: list[int] = []

    def redact_after_the_first_chunk(done: int, _total: int) -> None:
        if not redacted and done < 2_000:
            redacted.append(done)
            redact_contact(rt, alice_of_file, "dpo@example.com")

    result = import_contacts(rt, path, progress=redact_after_the_first_chunk)
    assert redacted
    assert [refusal["reason"] for refusal in result.refused] == [STAYS_OUT]
    with rt.database.read() as session:
        assert find_contact(session, "+34600000001") is None


def test_a_file_that_a_worker_has_is_deleted_when_its_turn_is_over(
    rt: Runtime, alice_of_file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REDACT_WAIT_SECONDS", 0.0)
    upload = store_upload(rt, "people.csv", PEOPLE.encode("utf-16"), "ann@example.com")
    upload.begin(UploadStage.IMPORTING)
    save_upload(rt, upload)
    with locked(rt, upload.token) as is_mine:
        assert is_mine
        redact_contact(rt, alice_of_file, "dpo@example.com")
        assert upload_path(rt, upload).exists()
        assert delete_flagged(rt, upload)
    found = load_upload(rt, upload.token)
    assert found is not None
    assert (found.stage, upload_path(rt, upload).exists()) == (UploadStage.FAILED, False)
    assert "redacted" in found.problem


def test_the_file_of_rejects_says_nothing_of_a_redacted_person_but_the_line(
    rt: Runtime, alice_of_file: int, tmp_path: Path
) -> None:
    redact_contact(rt, alice_of_file, "dpo@example.com")
    path, onto = tmp_path / "people.csv", tmp_path / "refused.csv"
    path.write_text(PEOPLE, encoding="utf-8")
    write_rejects(path, import_contacts(rt, path).refused, onto)
    written = onto.read_text(encoding="utf-8")
    assert STAYS_OUT in written
    assert not any(word in written for word in ("Alice", "34600000001"))
