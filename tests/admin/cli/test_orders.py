"""`flask orders`."""

from pathlib import Path

from redis import Redis

from tests.support.cli_app import open_shell
from tests.support.factories.contacts import alice
from tests.support.order_file import FILE


def test_the_command_prints_the_summary_and_exits_1_where_a_line_was_refused(
    tmp_path: Path, sqlite_url: str, redis: Redis, redis_url: str
) -> None:
    with open_shell(tmp_path, sqlite_url, redis_url) as shell:
        with shell.rt.database.write() as session:
            alice(session)
        file = tmp_path / "orders.csv"
        file.write_text(FILE)
        assert shell.data("orders", "import", str(file), "--dry-run")["created"] == 2
        assert shell.data("orders", "import", str(file))["created"] == 2
        file.write_text(FILE + "3,+34600999999,1,EUR,2026-11-21,,,,,\n")
        assert "1 rows were refused, the first on line 5: no contact" in shell.refused("orders", "import", str(file))
