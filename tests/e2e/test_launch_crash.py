"""A launch whose process is killed at any moment: the next one goes on, nobody is doubled and nobody is lost."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from models.campaigns.launch import STANDS_STILL
from models.campaigns.stats import campaign_stats
from models.clock import utcnow
from models.crypto import new_encryption_key
from models.db.engine import Database
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.engagement import Engagement
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.contacts import make_contact, put_tags
from tests.support.paths import ROOT
from tests.support.proof import dice, rounds

PEOPLE = rounds(200, 4000)
KILLS = rounds(2, 40)
LAUNCHER = """
import sys
from pathlib import Path
from jobs.campaigns import launch
from jobs.core.runtime import Runtime, use_runtime
from models.config import Settings
database_url, redis_url, var_dir, key, campaign_id = sys.argv[1:]
launch.FIRST_SLICE, launch.MIN_SLICE, launch.SLICE_SIZE = 10, 10, 10
runtime = Runtime(Settings(database_url, redis_url, Path(var_dir), encryption_keys=(key,)))
with use_runtime(runtime):
    print("begins", flush=True)
    launch.launch_campaign(int(campaign_id))
"""


def _launcher(*arguments: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", LAUNCHER, *arguments], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begins\n"
    return process


@pytest.mark.crash
@pytest.mark.sqlite_unless_proved
def test_a_launch_that_is_killed_again_and_again_freezes_everybody_once(
    database_url: str, redis_url: str, redis: object, tmp_path: Path
) -> None:
    database = Database(database_url)
    with database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE)
        first = make_contact(session)
        people = [make_contact(session, tags={}) for _ in range(PEOPLE - 1)]
        put_tags(session, [first, *people], "vip")
    arguments = (database_url, redis_url, str(tmp_path), new_encryption_key(), str(campaign.id))
    chance = dice(11)
    cursors = []
    for _ in range(KILLS):
        process = _launcher(*arguments)
        time.sleep(chance.uniform(0.02, 0.15))
        process.kill()
        process.communicate()
        with database.write() as session:
            cursors.append(session.get_one(Campaign, campaign.id).launch_cursor)
            long_ago = utcnow() - STANDS_STILL - timedelta(seconds=1)
            session.execute(update(Campaign).values(updated_at=long_ago))
    assert _launcher(*arguments).wait(rounds(120, 300)) == 0
    assert cursors == sorted(cursors)
    with database.read() as session:
        assert campaign_stats(session, campaign.id)["queued"] == PEOPLE
        assert session.scalar(select(func.count()).select_from(Engagement)) == PEOPLE
        assert session.scalar(select(func.count(func.distinct(Recipient.contact_id)))) == PEOPLE
        assert set(session.scalars(select(Recipient.state))) == {RecipientState.QUEUED}
        assert session.get_one(Campaign, campaign.id).launched_at is not None
    database.dispose()
