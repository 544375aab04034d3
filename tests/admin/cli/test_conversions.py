"""`flask conversions`."""

from pathlib import Path

from redis import Redis
from sqlalchemy import update

from models.tables.conversion import Conversion
from tests.support.cli_app import open_shell
from tests.support.factories.contacts import alice, make_order
from tests.support.factories.conversions import at, campaign_with_goals, reached


def test_a_recount_attributes_what_waits_and_fails_where_something_else_was_stored(
    tmp_path: Path, sqlite_url: str, redis: Redis, redis_url: str
) -> None:
    with open_shell(tmp_path, sqlite_url, redis_url) as shell:
        with shell.rt.database.write() as session:
            person = alice(session)
            reached(session, campaign_with_goals(session), person)
            make_order(session, person, placed_at=at(100))
        assert shell.data("conversions", "recount", "--json") == {"orders": 1, "differences": 0}
        with shell.rt.database.write() as session:
            session.execute(update(Conversion).values(total_milli=7))
        assert "1 orders were stored otherwise; they are mended" in shell.refused("conversions", "recount")
        assert shell.data("conversions", "recount", "--json") == {"orders": 1, "differences": 0}
