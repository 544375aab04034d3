"""An installation is upgraded from the version before while a campaign runs: the campaign goes on, and nobody is messaged twice."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from bot.sandbox.seed import PHONE_NUMBER_ID, WABA_ID
from models.db.migrate import MIGRATIONS, current_revision, head_revision
from tests.support.cli_app import CAMPAIGN
from tests.support.paths import ROOT
from tests.support.proof import rounds, table
from tests.support.running_hark import Installation, wait_for
from tests.support.settling import (
    PATIENCE_SECONDS,
    SENDERS,
    assert_every_reply_is_stored_once,
    assert_nobody_twice_and_nobody_lost,
    assert_sums_are_exact,
    wait_until_settled,
)

pytestmark = [pytest.mark.redis, pytest.mark.crash, pytest.mark.proof]

FIRST_SINCE = "0020"
"""The first migration that the version before did not have."""

PEOPLE = rounds(400, 4_000)
PACE = 40


def git(*arguments: str) -> bytes:
    """What git prints. Skips the test where this is no clone with its history."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no git")
    if done.returncode:
        pytest.skip(f"no history here: {done.stderr.decode(errors='replace').strip()[:100]}")
    return done.stdout


def version_before(directory: Path) -> Path:
    """The code of the version before."""
    first = next((MIGRATIONS / "versions").glob(f"{FIRST_SINCE}_*.py")).relative_to(ROOT)
    # Of the main line alone: a branch may have had the migrations in another order.
    log = git("log", "-1", "--first-parent", "-m", "--diff-filter=A", "--format=%H", "--", str(first))
    added = log.decode().strip()
    if not added:
        pytest.skip(f"{first} is not committed yet")
    with tarfile.open(fileobj=io.BytesIO(git("archive", f"{added}^"))) as archive:
        archive.extractall(directory, filter="data")
    return directory


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
def test_a_running_campaign_survives_an_upgrade(unmigrated_url: str, tmp_path: Path, *, is_killed: bool) -> None:
    hark = Installation(tmp_path / "hark", unmigrated_url, speed="20")
    hark.root = version_before(tmp_path / "before")
    try:
        hark.start_sandbox()
        hark.configure_sandbox(reply_share=0.3, read_share=0.9, read_seconds=1.0, reply_seconds=1.0)
        hark.up()
        account = ("--name", "Shop", "--phone-number-id", PHONE_NUMBER_ID, "--waba-id", WABA_ID)
        hark.flask("numbers", "add", *account, "--token-stdin", stdin="sandbox-access-token")
        hark.flask("templates", "sync")
        people = [f"+336398{place:05d},Ann {place},en,subscribed,web,vip" for place in range(PEOPLE)]
        (tmp_path / "people.csv").write_text("\n".join(["phone,name,language,consent,consent_source,tags", *people]))
        hark.flask("contacts", "import", str(tmp_path / "people.csv"))
        (tmp_path / "campaign.json").write_text(json.dumps(CAMPAIGN | {"pace": {"per_second": PACE}}))
        created = json.loads(hark.flask("campaigns", "create", str(tmp_path / "campaign.json"), "--json"))
        campaign_id = int(created["id"])
        hark.flask("campaigns", "start", str(campaign_id))
        wait_for(lambda: hark.states(campaign_id).get("accepted", 0) > PEOPLE // 5, PATIENCE_SECONDS, hark.tail)
        before = current_revision(hark.rt.database)
        if is_killed:
            hark.kill_everything()
        else:
            assert hark.stop() == 0
        hark.rt.close()
        hark.root = ROOT
        hark.up()
        assert current_revision(hark.rt.database) == head_revision() != before
        wait_until_settled(hark, campaign_id)
        lost_lanes = len(SENDERS) if is_killed else 0
        assert_nobody_twice_and_nobody_lost(hark, campaign_id, PEOPLE, lost_lanes=lost_lanes, pace=PACE)
        assert_sums_are_exact(hark, campaign_id, PEOPLE)
        replies = assert_every_reply_is_stored_once(hark)
        kind = "SQLite" if hark.rt.database.is_sqlite else "PostgreSQL"
        way = "killed" if is_killed else "stopped"
        table(f"upgrade from schema {before}, {way} ({PEOPLE} people, {replies} replies)", kind, 1, is_held=True)
    finally:
        hark.close()
