"""Replaces the template of a paused campaign, or of one of its languages, by another for the same frozen values.

Who has the message keeps what they got; who waits in the queue gets the replacement. Claims go by the same rows: nobody gets two.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.billing.rate_cards import plain_category
from models.campaigns.cohort_pause import OF_TEMPLATE, lock_campaign
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.sending.cohorts import cohort_content, cohorts_of
from models.tables.audit import AuditAction, record_audit
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.cohort import Cohort
from models.tables.template import Template
from models.templates.components import carousel_cards, header_format, unsupported_parts
from models.templates.content import MessageContent
from models.templates.languages import plain_language
from models.templates.opt_out_buttons import opt_out_buttons_problem
from models.templates.sendable import template_problems
from models.templates.tracked_links import tracked_urls
from models.templates.variables import check_mapping
from models.text import Text


def waiting_cohort(session: Session, campaign_id: int, language: str | None) -> Cohort:
    """The cohort whose template's decision by Meta holds it up: of that language, else the only one.

    Raises OperatorError if there is none, or there are several and no language is named.
    """
    campaign = session.get_one(Campaign, campaign_id)
    cohorts = cohorts_of(session, campaign_id)
    if language is not None:
        cohorts = [it for it in cohorts if plain_language(it.template.language) == plain_language(language)]
        if not cohorts:
            raise OperatorError(
                "campaign {campaign_id}: it has no language {language}", campaign_id=campaign_id, language=language[:40]
            )
    waiting = [cohort for cohort in cohorts if is_held_up(campaign, cohort)]
    if not waiting:
        raise OperatorError("campaign {campaign_id}: no template of it was paused or changed", campaign_id=campaign_id)
    if len({cohort.template_id for cohort in waiting}) > 1:
        raise OperatorError(
            "campaign {campaign_id}: name one of its languages: {languages}",
            campaign_id=campaign_id,
            languages=", ".join(cohort.template.language for cohort in waiting),
        )
    return waiting[0]


def is_held_up(campaign: Campaign, cohort: Cohort) -> bool:
    """Whether what Meta decided about the cohort's template holds up the cohort, or with it the whole campaign."""
    if cohort.paused_at is not None:
        return campaign.status in (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)
    return campaign.status is CampaignStatus.PAUSED and campaign.pause_reason in OF_TEMPLATE


def replacements(session: Session, cohort: Cohort) -> Sequence[Template]:
    """The approved templates of the account that could take the place of the cohort's, by name."""
    query = select(Template).where(
        Template.waba_id == cohort.template.waba_id,
        Template.language == cohort.template.language,
        Template.missing_at.is_(None),
    )
    return [it for it in session.scalars(query.order_by(Template.name)) if misfit(session, cohort, it) is None]


def misfit(session: Session, cohort: Cohort, template: Template) -> Text | None:
    """Why the template cannot take the place of the cohort's; None if it can. As of its last reading at Meta."""
    former, campaign = cohort.template, cohort.campaign
    if template.id == former.id:
        return Text("it is the one that is to be replaced")
    if (template.waba_id, template.language) != (former.waba_id, former.language):
        return Text("it is not of the same account and language")
    if problem := next(template_problems(template), None):
        return problem.text
    if parts := unsupported_parts(template):
        return Text("a {part} cannot be sent by a campaign", {"part": parts[0]})
    category = category_at_start(session, campaign)
    if plain_category(template.category) != category:
        named = {"category": plain_category(template.category), "former": category}
        return Text("its category is {category}, and the campaign's is {former}", named)
    if why := _content_misfit(former, template, cohort_content(cohort)):
        return why
    if _shape(template.components) != _shape(former.components):
        return Text("its header or its buttons are of another kind")
    if line := opt_out_buttons_problem(template.components, campaign.opt_out_buttons or ()):
        return Text("{problem}", {"problem": line})
    if campaign.opt_out_buttons is None and template.opt_out_buttons != former.opt_out_buttons:
        return Text("other buttons of it opt out")
    return None


def _content_misfit(former: Template, template: Template, content: MessageContent) -> Text | None:
    if problems := check_mapping(template, content):
        return Text("its variables or its header are others: {problem}", {"problem": problems[0]})
    if tracked_urls(template.components, content) != tracked_urls(former.components, content):
        return Text("the button of its tracked link opens another address")
    return None


def replace_template(session: Session, cohort: Cohort, template: Template, now: datetime, actor: str) -> None:
    """Replace the template of the cohort, and of those of its campaign with the same, with a line in the audit.

    Raises OperatorError if it does not fit, or the cohort is not held up any more.
    """
    campaign_id, former = cohort.campaign_id, cohort.template
    is_live = lock_campaign(session, campaign_id)
    session.refresh(cohort)
    campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
    if not is_live or cohort.template_id != former.id or not is_held_up(campaign, cohort):
        raise OperatorError(
            "campaign {campaign_id}: it was changed meanwhile; look at it again", campaign_id=campaign_id
        )
    if campaign.launched_at is None:
        raise OperatorError(
            "campaign {campaign_id}: its audience is still being prepared; try again in a moment",
            campaign_id=campaign_id,
        )
    if problem := misfit(session, cohort, template):
        raise OperatorError(
            "template={name} ({language}): cannot replace {former}: {problem}",
            name=template.name,
            language=template.language,
            former=former.name,
            problem=problem,
        )
    values: dict[str, Any] = {"template_id": template.id, "edition": Cohort.edition + 1}
    session.execute(
        update(Cohort).where(Cohort.campaign_id == campaign_id, Cohort.template_id == former.id).values(values),
        execution_options=NO_SYNC,
    )
    campaign.updated_at = now
    if campaign.languages is None:
        campaign.template_id = template.id
    about = {"language": template.language, "before": former.name, "after": template.name}
    record_audit(session, now, actor, AuditAction.REPLACE_TEMPLATE, "campaign", campaign_id, **about)


def category_at_start(session: Session, campaign: Campaign) -> str:
    """The category, in the rate card's spelling, that the campaign was priced with: Meta may have changed its template's since."""
    category = session.scalar(select(Spending.category).where(Spending.campaign_id == campaign.id))
    return category or plain_category(campaign.template.category if campaign.template is not None else "")


def _shape(components: Sequence[Any]) -> Any:
    """The kinds of header and buttons by place, of the message and its cards: what is pressed comes back by its place."""
    buttons = (button for component in components for button in component.get("buttons") or ())
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    cards = [_shape(card.get("components") or ()) for card in carousel_cards(components)]
    return header_format(components), kinds, cards
