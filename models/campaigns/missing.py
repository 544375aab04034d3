"""Lists what a campaign still lacks: a draft is saved with gaps, and starts only without."""

from sqlalchemy.orm import Session

from models.tables.campaign import Campaign, CampaignStatus, TransitionError, get_campaign
from models.templates.language_parts import language_parts, part_problems


def missing_choices(campaign: Campaign) -> list[str]:
    """What an operator still has to choose: `name`, `number`, `template` and `audience`, in this order."""
    choices = {
        "name": campaign.name,
        "number": campaign.number_id,
        "template": campaign.template_id,
        "audience": campaign.audience.get("include"),
    }
    return [part for part, choice in choices.items() if not choice]


def missing_parts(session: Session, campaign: Campaign) -> list[str]:
    """The parts that a campaign still needs to be ready, one line each."""
    missing = missing_choices(campaign)
    for part in language_parts(session, campaign):
        missing += [problem.line for problem in part_problems(part, campaign) if problem.is_gap]
    return missing


def refuse_draft(session: Session, campaign_id: int) -> None:
    """Raise TransitionError with the list of what is missing if the campaign is an incomplete draft, CampaignNotFoundError if there
    is none.
    """
    campaign = get_campaign(session, campaign_id)
    if campaign.status is CampaignStatus.DRAFT and (missing := missing_parts(session, campaign)):
        raise TransitionError(
            "campaign {campaign_id}: it is draft; still missing: {missing}",
            campaign_id=campaign_id,
            missing=shown_parts(missing),
        )


def shown_parts(parts: list[str]) -> str:
    """The missing parts in one line for people."""
    return ", ".join(part.replace("variables: ", "", 1).replace("media: ", "", 1) for part in parts)
