"""Versions of a bot flow."""

from models.conversations.flow_versions import save_flow
from models.db.engine import Database
from tests.support.factories.common import NOW
from tests.support.one_flow import DEFINITION


def test_a_flow_file_loaded_twice_is_one_version(database: Database) -> None:
    changed = DEFINITION | {"description": "new"}
    with database.write() as session:
        first = save_flow(session, "hello", "a", DEFINITION, NOW, "cli")
        assert (first.name, first.version) == ("hello", 1)
        assert save_flow(session, "hello", "a", DEFINITION, NOW, "cli") == first
        assert save_flow(session, "hello", "b", changed, NOW, "cli") == (first.id, "hello", 2)
        assert save_flow(session, "hello", "a", DEFINITION, NOW, "cli").version == 3
