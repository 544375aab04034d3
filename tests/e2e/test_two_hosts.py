"""Two hosts send one campaign, and one loses its link to the database and to Redis, but not to Meta."""

import time
from pathlib import Path

import pytest

from tests.support.broken_link import links
from tests.support.postgres_server import PostgresMissingError, PostgresServer
from tests.support.proof import dice, rounds, table
from tests.support.redis_server import RedisServer
from tests.support.running_hark import Installation
from tests.support.services import prepare_schema, temporary_directory
from tests.support.settling import (
    SENDERS,
    assert_every_reply_is_stored_once,
    assert_nobody_twice_and_nobody_lost,
    assert_sums_are_exact,
    begin_with_replies,
    send_some,
    wait_until_settled,
)

pytestmark = [pytest.mark.redis, pytest.mark.crash, pytest.mark.postgres]

CUTS = rounds(1, 12)
PACE = 30


@pytest.mark.proof
def test_a_host_that_loses_its_link_doubles_and_loses_nobody(tmp_path: Path) -> None:
    """What it had claimed may go out after the other host gave it up; what it learns comes late."""
    try:
        server = PostgresServer()
    except PostgresMissingError as error:
        pytest.skip(str(error))
    chance = dice(5_107)
    count = 250 + 900 * CUTS
    with temporary_directory() as directory:
        redis = RedisServer(directory / "redis")
        hosts: list[Installation] = []
        try:
            server.start()
            prepare_schema(server.url())
            redis.start()
            socket = Path(redis.url.removeprefix("unix://"))
            with links(server.directory / ".s.PGSQL.5432", socket) as (to_database, to_redis):
                first = Installation(tmp_path / "first", server.url(), redis=redis.url, speed="20")
                far = f"postgresql+psycopg://postgres@127.0.0.1:{to_database.port}/postgres"
                second = Installation(tmp_path / "second", far, redis=f"redis://127.0.0.1:{to_redis.port}/0")
                second.environment["GRAPH_API_URL"] = first.graph_url
                hosts += [first, second]
                first.start_sandbox()
                first.up()
                second.up()
                campaign_id = begin_with_replies(first, count, pace=PACE)
                for _ in range(CUTS):
                    send_some(first, campaign_id, chance)
                    for link in (to_database, to_redis):
                        link.cut()
                    time.sleep(chance.uniform(1.0, 25.0))
                    for link in (to_database, to_redis):
                        link.mend()
                wait_until_settled(first, campaign_id)
                assert_nobody_twice_and_nobody_lost(
                    first, campaign_id, count, lost_lanes=len(SENDERS) * CUTS, pace=PACE
                )
                assert_sums_are_exact(first, campaign_id, count)
                replies = assert_every_reply_is_stored_once(first)
                table(
                    f"one of two hosts loses its link ({count} people, {replies} replies)",
                    "PostgreSQL",
                    CUTS,
                    is_held=True,
                )
        finally:
            for host in hosts:
                host.close()
            redis.stop()
            server.close()
