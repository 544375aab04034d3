"""Templates of an installation with a simulated Meta: written, submitted and looked at."""

from typing import Any

from sqlalchemy import select

from admin.operations.templates.drafts import create_template
from models.tables.template import Template
from models.tables.template_life import TemplateDraft, TemplateEvent
from models.templates.life import life_of
from tests.support.cli_app import Shell
from tests.support.template_files import template_json

ANA = "ana@example.com"


def row_of(shell: Shell, name: str, language: str) -> Template:
    """The row of a template."""
    with shell.rt.database.read() as session:
        return session.scalars(select(Template).where(Template.name == name, Template.language == language)).one()


def draft_of(shell: Shell, template_id: int) -> TemplateDraft | None:
    """What is written of a template."""
    with shell.rt.database.read() as session:
        return session.get(TemplateDraft, template_id)


def life(shell: Shell, template_id: int) -> list[TemplateEvent]:
    """The life of a template, oldest first."""
    with shell.rt.database.read() as session:
        return list(reversed(life_of(session, template_id)))


def write_coupon(shell: Shell, **changes: Any) -> Template:
    """A draft."""
    written = create_template(shell.rt, template_json("coupon") | changes, ANA)
    return row_of(shell, written.name, written.language)


def at_meta(shell: Shell, name: str, language: str) -> Any:
    """The template as the simulated Meta has it."""
    found = shell.meta.sim.world.find_template(name, language)
    assert found is not None
    return found
