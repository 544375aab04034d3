"""Redis' file is cut off or damaged: what was in it is lost, but nobody is messaged twice, and the campaign goes on."""

import shutil
from pathlib import Path

import pytest

from tests.support.proof import dice, rounds, table
from tests.support.running_hark import Installation, installed, wait_for
from tests.support.settling import PATIENCE_SECONDS, assert_sums_are_exact, at_rest, begin_with_replies, send_some

pytestmark = [pytest.mark.redis, pytest.mark.crash, pytest.mark.proof]

CUTS = rounds(1, 10)
DAMAGES = rounds(1, 5)
PACE = 60


def log_of(hark: Installation) -> Path:
    """The file to which Redis appends."""
    logs = [path for path in (hark.var_dir / "redis").rglob("*.aof") if path.is_file()]
    return max(logs, key=lambda path: path.stat().st_size)


def test_a_redis_file_that_was_cut_or_damaged_doubles_nobody(database_url: str, tmp_path: Path) -> None:
    """A file that ends too early is loaded as far as it goes; with a damaged one Redis does not start; it is put aside."""
    chance = dice(6_301)
    count = 250 + 100 * (CUTS + DAMAGES)
    ways = ["cut"] * CUTS + ["damaged"] * DAMAGES
    chance.shuffle(ways)
    with installed(tmp_path, database_url, speed="20") as hark:
        campaign_id = begin_with_replies(hark, count, pace=PACE)
        for way in ways:
            send_some(hark, campaign_id, chance)
            hark.kill_everything()
            log = log_of(hark)
            size = log.stat().st_size
            if way == "cut":
                with log.open("r+b") as file:
                    file.truncate(max(0, size - chance.randint(1, 20_000)))
            else:
                with log.open("r+b") as file:
                    file.seek(chance.randint(0, size // 2))
                    file.write(chance.randbytes(512))
                shutil.move(log.parent, tmp_path / f"aside-{chance.random()}")
            hark.up()
        wait_for(lambda: at_rest(hark, campaign_id), PATIENCE_SECONDS, hark.tail)
        wait_for(lambda: hark.stats()["at_rest"], PATIENCE_SECONDS, hark.tail)
        stats = hark.stats()
        assert (stats["duplicates"]["count"], stats["repeated_people"]["count"]) == (0, 0)
        assert_sums_are_exact(hark, campaign_id, count)
        states = hark.states(campaign_id)
        assert states.get("accepted", 0) + states.get("held", 0) + states.get("unsure", 0) == count
        kind = "SQLite" if hark.rt.database.is_sqlite else "PostgreSQL"
        table(f"Redis' file cut or damaged ({count} people)", kind, len(ways), is_held=True)
