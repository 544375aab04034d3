"""Many rows in one statement."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.db.bulk import values_cte
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact


def test_a_moment_is_the_same_however_it_was_written(session: Session) -> None:
    moment = NOW + timedelta(seconds=1)
    contact = make_contact(session, last_inbound_at=moment)
    rows = [(contact.id, moment), (contact.id, moment - timedelta(microseconds=1)), (contact.id, None)]
    given, parameters = values_cte(session, "v", {"id": "bigint", "at": "timestamptz"}, rows)
    statement = (
        f"WITH {given} SELECT c.last_inbound_at = v.at, c.last_inbound_at > v.at FROM v JOIN contact c ON c.id = v.id"
    )
    found = {tuple(row) for row in session.execute(text(statement), parameters)}
    assert found == {(True, False), (False, True), (None, None)}
