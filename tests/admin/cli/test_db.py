"""`flask db`."""

from datetime import timedelta

import pytest

from jobs.restore.epoch_copies import EpochCopies
from jobs.restore.watch import hold_if_restored, look_after_holds
from models.clock import utcnow
from models.db.migrate import head_revision
from tests.support.cli_app import Shell


def test_the_schema_is_checked_and_upgraded(shell: Shell) -> None:
    assert "newest" in shell.ok("db", "check")
    assert head_revision() in shell.ok("db", "upgrade")


def put_back(shell: Shell) -> None:
    """The database turns out to be older than what it sent."""
    EpochCopies(shell.rt).keep_in_redis(7)
    assert hold_if_restored(shell.rt, utcnow())
    look_after_holds(shell.rt, utcnow())


@pytest.mark.usefixtures("number_and_people_added")
def test_what_a_restored_database_holds_is_shown_and_let_go_step_by_step(shell: Shell) -> None:
    campaign_id = shell.add_campaign()
    assert shell.ok("db", "held") == "nothing is held\n"
    assert "nothing is held" in shell.refused("db", "release")
    put_back(shell)
    assert shell.data("db", "held", "--json") == {
        "held": "database_restored",
        "cause": "behind",
        "noticed_at": shell.data("db", "held", "--json")["noticed_at"],
        "campaigns": [{"id": campaign_id, "name": "Spring", "was": "ready", "settled": True, "released": False}],
    }
    assert f"campaign {campaign_id} (Spring), ready in the copy: waits" in shell.ok("db", "held")
    line = shell.refused("campaigns", "start", str(campaign_id))
    assert "may have been sent since; if it was not, start it with --after-restore" in line
    later = (utcnow() + timedelta(hours=1)).isoformat()
    assert "--after-restore" in shell.refused("campaigns", "schedule", str(campaign_id), "--at", later)
    shell.ok("campaigns", "start", str(campaign_id), "--after-restore")
    assert "goes on" in shell.ok("db", "held")
    assert "answers go on" in shell.ok("db", "release")
    assert shell.ok("db", "held") == "nothing is held\n"


def test_a_held_installation_is_ready_and_says_that_it_is_held(shell: Shell) -> None:
    client = shell.app.test_client()
    assert "held" not in (client.get("/readyz").json or {})
    put_back(shell)
    answer = client.get("/readyz")
    assert (answer.status_code, (answer.json or {})["held"]) == (200, "database_restored")
    assert b"hark_database_held 1.0" in client.get("/metrics").data
