"""Campaigns of one or several languages at a simulated Meta, whose templates she may pause, change or have more of."""

from typing import Any

from sqlalchemy import select, update

from bot.sandbox.template import SandboxTemplate
from jobs.campaigns.launch import launch_campaign
from jobs.campaigns.start import start_campaign
from jobs.maintenance.meta_sync import read_templates
from jobs.sending.serve import serve
from models.clock import utcnow
from models.sending.cohorts import cohorts_of
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.contact import Contact
from models.tables.number import Number
from tests.support.cli_app import ANA, Shell

SEVERAL = {"name": "spring_sale", "languages": ["en", "es"], "fallback": "en"}


def at_meta(shell: Shell, language: str, name: str = "spring_sale") -> SandboxTemplate:
    found = shell.meta.sim.world.find_template(name, language)
    assert found is not None
    return found


def add_at_meta(shell: Shell, name: str, like: SandboxTemplate, **changes: Any) -> None:
    plan = {"language": like.language, "category": like.category, "components": like.components} | changes
    shell.meta.sim.world.add_template(like.waba_id, {"name": name, **plan})


def started(shell: Shell, **changes: Any) -> int:
    """A campaign to two people, one of whom reads Spanish, that was launched and not sent."""
    with shell.rt.database.write() as session:
        session.execute(update(Contact).where(Contact.phone == "+447700900003").values(language="es-MX"))
    campaign_id = shell.add_campaign(**changes)
    start_campaign(shell.rt, campaign_id, utcnow(), ANA)
    launch_campaign(campaign_id)
    return campaign_id


def read_again(shell: Shell) -> None:
    with shell.rt.database.read() as session:
        waba_pk = session.scalars(select(Number.waba_id)).one()
    read_templates(shell.rt, waba_pk, utcnow())


def send(shell: Shell) -> int:
    with shell.rt.database.read() as session:
        number_id = session.scalars(select(Number.id)).one()
    return serve(shell.rt, number_id)


def row(shell: Shell, campaign_id: int) -> Campaign:
    with shell.rt.database.read() as session:
        return session.get_one(Campaign, campaign_id)


def cohorts(shell: Shell, campaign_id: int) -> dict[str, Cohort]:
    with shell.rt.database.read() as session:
        return {cohort.template.language: cohort for cohort in cohorts_of(session, campaign_id)}


def got(shell: Shell) -> list[tuple[str, str]]:
    return sorted((str(message.template), str(message.language)) for message in shell.meta.store.messages)
