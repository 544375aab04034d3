"""What a decisive answer of Meta's does to the person it was about."""

from pathlib import Path

from redis import Redis
from sqlalchemy import select

from bot.meta.error_codes import rule_for
from jobs.sending.effects import suppress_person
from models.tables.audit import Audit
from models.tables.contact import Contact
from tests.support.cli_app import open_shell
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice


def test_a_marketing_stop_told_by_an_answer_is_noted(
    tmp_path: Path, database_url: str, redis: Redis, redis_url: str
) -> None:
    with open_shell(tmp_path, database_url, redis_url) as shell:
        with shell.rt.database.write() as session:
            key = alice(session).id
        suppress_person(shell.rt, key, rule_for(131050), NOW)
        with shell.rt.database.read() as session:
            assert session.get_one(Contact, key).marketing_stopped_at == NOW
            line = session.scalars(select(Audit).where(Audit.object_type == "contact")).one()
        assert (line.actor, line.action, line.object_id) == ("meta", "marketing_stop", str(key))
