"""Caches the figures of campaigns' tracked links for the panel, as their statistics (admin.panel.live_stats)."""

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
