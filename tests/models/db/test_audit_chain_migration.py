"""The migration that brings the chain of the audit; on both databases."""

from sqlalchemy import insert, text

from models.clock import utcnow
from models.db.engine import Database
from models.db.migrate import upgrade_schema
from models.tables.audit import Audit


def test_the_migration_takes_what_is_there_for_old_entries(unmigrated_url: str) -> None:
    upgrade_schema(unmigrated_url, "0019")
    database = Database(unmigrated_url)
    with database.write() as session:
        for _ in range(3):
            row = {"at": utcnow(), "actor": "x", "action": "test", "object_type": "tag", "object_id": "1", "detail": {}}
            session.execute(insert(Audit).values(row))
    database.dispose()
    upgrade_schema(unmigrated_url)
    database = Database(unmigrated_url)
    with database.read() as session:
        found = session.execute(text("SELECT number, hash, old_last, start_number FROM audit_chain")).one()
    database.dispose()
    assert tuple(found) == (0, "", 3, 0)
