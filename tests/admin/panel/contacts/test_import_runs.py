"""An import that a worker does: in turns, and whatever comes in between."""

import json

import pytest
from sqlalchemy import select

from jobs.core.queues import CHORES, queue
from jobs.core.shutdown import SHUTDOWN
from jobs.imports import run as import_turns
from jobs.imports import staging as import_spool
from jobs.imports.run import run_import, wake_imports
from jobs.imports.uploads import (
    UploadStage,
    locked,
)
from models.clock import utcnow
from models.tables.tag import ContactList
from tests.support.factories.contacts import ALICE_PHONE, BOB_PHONE, alice, bob
from tests.support.import_pages import CHOSEN, brought, count, finish, known, looked_at
from tests.support.panel_app import Panel, Visitor

pytestmark = pytest.mark.sqlite_unless_proved


def test_a_list_that_is_deleted_while_it_is_filled_is_said_and_not_made_again(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 1)
    with panel.rt.database.write() as session:
        alice(session)
        bob(session)
    token = brought(manager, f"phone\n{ALICE_PHONE}\n{BOB_PHONE}\n", what="list", list="Guests")
    looked_at(manager, token, c0="phone", list_name="Guests")
    monkeypatch.setattr(import_turns, "TURN_SECONDS", 0.0)
    manager.post(f"/contacts/import/{token}/go")
    run_import(token)
    manager.post("/lists/1/delete", confirmed="1")
    run_import(token)
    assert "there is no such list" in manager.get(f"/contacts/import/{token}/")
    with panel.rt.database.read() as session:
        assert session.scalar(select(ContactList.id)) is None


def test_a_long_import_takes_turns_and_every_row_counts_once(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 10)
    monkeypatch.setattr(import_turns, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(import_turns, "PROGRESS_SECONDS", 0.0)
    rows = [f"+4477009{place:05},P{place}" for place in range(45)]
    text = "\n".join(["phone,name", "nonsense,x", *rows, rows[3], rows[40], ""])
    token = brought(manager, text)
    manager.post(f"/contacts/import/{token}/columns", c0="phone", c1="name")
    for go in ("columns", "go"):
        assert finish(panel, token) > 4
        kept = known(panel, token)
        assert (kept.created, kept.updated, kept.unchanged) == (45, 0, 2)
        assert [row["line"] for row in kept.refused] == [2]
        if go == "columns":
            manager.post(f"/contacts/import/{token}/go")
    assert known(panel, token).stage is UploadStage.DONE


def test_the_page_shows_how_far_it_is_and_then_what_came_of_it(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 1)
    monkeypatch.setattr(import_turns, "TURN_SECONDS", 0.0)
    token = brought(manager)
    manager.post(f"/contacts/import/{token}/columns", **CHOSEN | {"source": "web"})
    live = f"/contacts/import/{token}/live"
    assert "Reading the file" in json.loads(manager.get(live))["parts"]["import"]
    run_import(token)
    answer = json.loads(manager.get(live))
    assert not answer["done"]
    assert "1 of 2 rows" in answer["parts"]["import"]
    run_import(token)
    answer = json.loads(manager.get(live))
    assert answer["done"]
    assert "Import 2 contacts" in answer["parts"]["import"]


def test_an_import_whose_worker_died_is_woken_and_comes_to_its_end(panel: Panel, manager: Visitor) -> None:
    token = brought(manager)
    looked_at(manager, token, **CHOSEN)
    manager.post(f"/contacts/import/{token}/go")
    chores = queue(panel.rt.redis, CHORES)
    chores.delete()
    panel.rt.redis.delete(f"hark:wake:import:{token}")
    with locked(panel.rt, token) as is_mine:
        assert is_mine
        assert wake_imports(panel.rt, utcnow()) == 0  # somebody works on it
        run_import(token)
        assert count(panel) == 0
    assert wake_imports(panel.rt, utcnow()) == 1
    (job,) = chores.jobs
    assert (job.func_name, tuple(job.args)) == ("jobs.imports.run.run_import", (token,))
    run_import(*job.args)
    assert count(panel) == 2
    assert wake_imports(panel.rt, utcnow()) == 0


def test_a_worker_that_is_to_stop_leaves_the_rest_to_the_next(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 1)
    token = brought(manager)
    manager.post(f"/contacts/import/{token}/columns", **CHOSEN | {"source": "web"})
    monkeypatch.setattr(SHUTDOWN, "is_set", lambda: True)
    run_import(token)
    kept = known(panel, token)
    assert (kept.stage, kept.done, kept.total) == (UploadStage.DRY_RUN, 1, 2)


def test_an_import_that_breaks_off_again_and_again_is_given_up_with_a_word(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("+34600000001")

    monkeypatch.setattr(import_turns, "import_contacts", broken)
    token = brought(manager)
    manager.post(f"/contacts/import/{token}/columns", **CHOSEN)
    for _ in range(import_turns.MAX_TRIES):
        with pytest.raises(RuntimeError):
            run_import(token)
    run_import(token)
    assert "It broke off 5 times" in manager.get(f"/contacts/import/{token}/")
