"""`flask db`."""

from models.db.migrate import head_revision
from tests.support.cli_app import Shell


def test_the_schema_is_checked_and_upgraded(shell: Shell) -> None:
    assert "newest" in shell.ok("db", "check")
    assert head_revision() in shell.ok("db", "upgrade")
