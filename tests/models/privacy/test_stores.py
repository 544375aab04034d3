"""The list of tables is whole: every table of the metadata has a line that says what happens to it."""

from pkgutil import resolve_name

import pytest
from sqlalchemy.orm import Session

from models.privacy.store import Blank, Delete, Holds, TableStore
from models.privacy.tables import BY_NAME, TABLES, missing_line
from models.tables import metadata


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_every_table_has_a_line(name: str) -> None:
    assert name in BY_NAME, missing_line(name)


def test_every_line_is_of_a_table_and_there_once() -> None:
    assert len(BY_NAME) == len(TABLES)
    assert set(BY_NAME) == set(metadata.tables)


@pytest.mark.parametrize("store", TABLES, ids=lambda store: store.name)
def test_a_line_names_columns_and_functions_that_exist(store: TableStore) -> None:
    columns = metadata.tables[store.name].c
    for rule in (store.erase, store.guard):
        if isinstance(rule, Delete | Blank):
            assert rule.link.value in columns
        if isinstance(rule, Blank):
            assert {*rule.values, *rule.by_contact, *rule.settled} <= set(columns.keys())
    assert store.purge is None or callable(resolve_name(store.purge))
    assert (store.purge is None) == (store.purged == "")


@pytest.mark.parametrize("store", TABLES, ids=lambda store: store.name)
def test_what_leads_to_a_contact_is_somebodys(store: TableStore) -> None:
    """A new table that refers to a contact or to what is theirs cannot be called nobody's."""
    theirs = {"contact_id", "conversation_id", "recipient_id", "person_key"}
    if theirs & set(metadata.tables[store.name].c.keys()):
        assert store.holds is Holds.PERSON


def test_a_person_s_rows_are_wiped_or_say_nothing(session: Session) -> None:
    anonymous = {
        "funnel_step", "recipient_opt_out", "recipient_tap", "click", "answer_cost", "conversation", "contact_search",
        "conversion_change",
    }  # fmt: skip
    assert {store.name for store in TABLES if store.holds is Holds.PERSON and store.erase is None} == anonymous
