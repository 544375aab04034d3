"""Turns the link buttons of bot flows that answer a campaign into tracked links of the campaign (models.clicks)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.replies.plan import ReplyPlan
from models.clicks.links import MAX_FIELD, links_of, make_links
from models.config import Settings
from models.tables.recipient import Recipient
from models.templates.link_urls import PATH, ascii_url, reach_problem, url_problem
from models.templates.tracked_links import LinkPlace


class _Link(NamedTuple):
    plan: ReplyPlan
    message: int
    recipient_id: int
    place: LinkPlace


def reachable_base(settings: Settings) -> str | None:
    """The base of tracked links; None if phones cannot reach it, so that a bot flow's links stay as they are."""
    problem = reach_problem(settings.link_base, is_simulated=settings.is_simulated)
    return settings.link_base if problem is None else None


def track_links(session: Session, plans: Sequence[ReplyPlan], link_base: str, now: datetime) -> None:
    """Replace the addresses of the plans' link buttons, in place. What answers no campaign is left as it is."""
    links = list(_links(plans))
    if not links:
        return
    ids = sorted({link.recipient_id for link in links})
    rows = session.execute(select(Recipient.id, Recipient.campaign_id).where(Recipient.id.in_(ids)))
    campaigns = {row.id: row.campaign_id for row in rows}
    for campaign_id in sorted(set(campaigns.values())):
        own = [link for link in links if campaigns.get(link.recipient_id) == campaign_id]
        signers = links_of(session, campaign_id)
        if missing := [link.place for link in own if link.place not in signers]:
            make_links(session, campaign_id, missing, now)
            signers = links_of(session, campaign_id)
        for link in own:
            url = f"{link_base}{PATH}{signers[link.place].code(link.recipient_id)}"
            content, tag = link.plan.messages[link.message]
            link.plan.messages[link.message] = (_with_url(content, url), tag)


def _links(plans: Sequence[ReplyPlan]) -> Iterator[_Link]:
    for plan in plans:
        for message, node in plan.links.items() if plan.recipient_id is not None else ():
            url = plan.messages[message][0]["interactive"]["action"]["parameters"]["url"]
            if plan.recipient_id is not None and url_problem(url) is None:
                place = LinkPlace(f"flow: {node}"[:MAX_FIELD], ascii_url(url))
                yield _Link(plan, message, plan.recipient_id, place)


def _with_url(content: Any, url: str) -> dict[str, Any]:
    interactive = content["interactive"]
    action = interactive["action"]
    parameters = {**action["parameters"], "url": url}
    return {**content, "interactive": {**interactive, "action": {**action, "parameters": parameters}}}
