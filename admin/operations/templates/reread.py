"""Reads one template at Meta again, after something was done to it there."""

from admin.operations.templates.accounts import Account, template_admin
from admin.operations.templates.drafts import WrittenTemplate, written
from bot.meta.management import GraphError
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.maintenance.meta_sync import fill_template
from models.campaigns.template_changes import TemplateReading, pause_for_reading
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import META
from models.tables.template import Template
from models.templates.life import TemplateState, record_changes


@retry_conflicts
def reread_template(rt: Runtime, account: Account, template_id: int) -> WrittenTemplate:
    """Store a template as Meta has it now. Where it does not answer the row stays as it is: webhooks and the sync tell later.

    Raises OperatorError if the row is gone.
    """
    now = utcnow()
    with rt.database.read() as session:
        template = _row(session.get(Template, template_id))
    try:
        with template_admin(rt, account) as graph:
            item = graph.template(str(template.meta_id))
    except GraphError:
        return written(template)
    with rt.database.write() as session:
        template = _row(session.get(Template, template_id, with_for_update=True, populate_existing=True))
        if (item.get("name"), item.get("language")) == (template.name, template.language):
            before, reading = TemplateState.of(template), TemplateReading.of(template)
            fill_template(template, item, now)
            record_changes(session, template, before, now, META)
            session.flush()
            pause_for_reading(session, template, reading, utcnow())
        return written(template)


def _row(template: Template | None) -> Template:
    if template is None:
        raise OperatorError("the template was removed here meanwhile")
    return template
