"""Folding the texts of contacts that changed."""

import pytest

from jobs.core.runtime import Runtime
from jobs.maintenance import fold_texts
from jobs.maintenance.fold_texts import fold_contact_texts
from models.contacts.text_search import has_stale
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact


def _add(rt: Runtime, people: int) -> None:
    with rt.database.write() as session:
        for number in range(people):
            make_contact(session, f"+3460000{number:04}", name=f"Ana {number}")


def test_all_that_waits_is_folded_batch_by_batch(bare_rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_texts, "BATCH", 2)
    monkeypatch.setattr(fold_texts, "SECONDS", 60)
    assert fold_contact_texts(bare_rt, NOW) == 0
    _add(bare_rt, 5)
    assert fold_contact_texts(bare_rt, NOW) == 5
    with bare_rt.database.read() as session:
        assert not has_stale(session)


def test_the_other_periodic_jobs_have_their_turn(bare_rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_texts, "BATCH", 2)
    monkeypatch.setattr(fold_texts, "SECONDS", 0)
    _add(bare_rt, 5)
    assert [fold_contact_texts(bare_rt, NOW) for _ in range(4)] == [2, 2, 1, 0]
