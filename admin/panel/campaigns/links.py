"""Caches the figures of campaigns' tracked links for the panel, as their statistics (admin.panel.live_stats)."""

import re
import time
from dataclasses import dataclass

from flask import current_app

from admin.panel.kept_values import KeptValues
from admin.panel.live_stats import FRESH_SECONDS
from jobs.core.runtime import Runtime
from models.clicks.figures import ClickFigures, LinkFigures, clicks_of, link_figures
from models.clicks.meta_reports import MetaClicks, meta_clicks
from models.tables.campaign import Campaign

SHARE = 10.0
"""Figures are kept at least this many times as long as counting them took."""
_KEY = "hark_live_links"
_BUTTON = re.compile(r"(?:cards\.([0-9]+)\.)?variables: buttons ([0-9]+)")


@dataclass(frozen=True, slots=True)
class CampaignLinks:
    """The links of a campaign, the figures of all of them, and what Meta reported beside."""

    links: list[LinkFigures]
    whole: ClickFigures
    meta: MetaClicks | None


def campaign_links(rt: Runtime, campaign: Campaign) -> CampaignLinks:
    """Return the figures of a campaign's links, as of some seconds ago at most, or of ten times as long as counting took."""
    cache: KeptValues[CampaignLinks] = current_app.extensions.setdefault(_KEY, KeptValues())
    kept = cache.fresh([campaign.id])
    if kept:
        return kept[campaign.id]
    began = time.monotonic()
    with rt.database.read() as session:
        whole = clicks_of(session, [campaign.id])[campaign.id]
        counted = CampaignLinks(link_figures(session, campaign.id), whole, meta_clicks(session, campaign))
    ended = time.monotonic()
    cache.keep({campaign.id: counted}, ended + max(FRESH_SECONDS, SHARE * (ended - began)))
    return counted


def shown_place(field: str) -> str:
    """Where a link stands, in an operator's words: `card 2, button 1`, `bot flow, goodbye`."""
    if match := _BUTTON.fullmatch(field):
        card, button = match.groups()
        return f"{f'card {int(card) + 1}, ' if card else ''}button {int(button) + 1}"
    return field.replace("flow: ", "bot flow, ", 1)
