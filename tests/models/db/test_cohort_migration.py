"""The migration to cohorts gives each campaign that runs one, and leaves its recipients to a job."""

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from models.db.migrate import alembic_config, upgrade_schema
from tests.support.old_database import MOMENT, make_old_database

INDEXES = {"ix_recipient_cohort_queue", "ix_recipient_figures"}
_OTHERS = """INSERT INTO campaign (id, name, kind, status, number_id, template_id, audience, variables, media, ends_after_seconds,
    launch_cursor, created_by, created_at, updated_at, pause_reason)
    SELECT :id, name, kind, :status, number_id, template_id, audience, variables, media, 60, 0, '', :now, :now, :reason
    FROM campaign WHERE id = 1"""


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_campaigns_that_run_get_one_cohort_and_their_recipients_stay_as_they_are(
    unmigrated_url: str, is_interrupted: bool
) -> None:
    before = str(ScriptDirectory.from_config(alembic_config(unmigrated_url)).get_revision("0027").down_revision)
    make_old_database(unmigrated_url, 20)
    upgrade_schema(unmigrated_url, before)
    engine = create_engine(unmigrated_url)
    with engine.begin() as connection:
        for key, status in enumerate(("paused", "ended", "draft", "ready"), 2):
            reason = "operator" if status == "paused" else None
            connection.execute(text(_OTHERS), {"id": key, "status": status, "now": MOMENT, "reason": reason})
    upgrade_schema(unmigrated_url)
    if is_interrupted:  # after its last step, before it was noted: everything is done a second time
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})
        upgrade_schema(unmigrated_url, "0027")
    with engine.connect() as connection:
        cohorts = connection.execute(text("SELECT campaign_id, position, template_id FROM cohort ORDER BY 1")).all()
        assert [tuple(row) for row in cohorts] == [(1, 0, 1), (2, 0, 1)]
        assert connection.scalar(text("SELECT count(*) FROM cohort WHERE has_unassigned AND is_open")) == 2
        assert connection.scalar(text("SELECT count(*) FROM recipient WHERE cohort_id IS NULL")) == 20
    names = {index["name"] for index in inspect(engine).get_indexes("recipient")}
    assert names >= INDEXES
    assert not names & {"ix_recipient_queue", "ix_recipient_counts"}

    command.downgrade(alembic_config(unmigrated_url), before)

    names = {index["name"] for index in inspect(engine).get_indexes("recipient")}
    assert names >= {"ix_recipient_queue", "ix_recipient_counts"}
    assert "cohort" not in inspect(engine).get_table_names()
    engine.dispose()
