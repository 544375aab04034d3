"""The groups of people that are followed up most, ready to be chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.meta.error_codes import TABLE, ErrorAction
from models.segments.campaign_people import CampaignFigure, PeopleChoice

F = CampaignFigure
KEPT_BACK = 131049
"""Meta kept it back: the person had enough marketing messages for now."""
_PASSING = (ErrorAction.RETRY, ErrorAction.RETRY_PAIR, ErrorAction.THROTTLE, ErrorAction.HOLD)
PASSING_CODES = tuple(sorted(code for code, rule in TABLE.items() if rule.action in _PASSING or code == KEPT_BACK))
"""Errors of Meta that say nothing about the person or the message: another day it may go through."""


@dataclass(frozen=True, slots=True)
class FollowUpPreset:
    """A group with its name."""

    name: str
    choice: PeopleChoice


PRESETS: Mapping[str, FollowUpPreset] = {
    "read_no_reply": FollowUpPreset("Read, no reply", PeopleChoice((F.READ,), (F.REPLIED,))),
    "not_read": FollowUpPreset("Delivered, not read", PeopleChoice((F.DELIVERED,), (F.READ,))),
    "failed_passing": FollowUpPreset("Failed for a passing reason", PeopleChoice((F.FAILED,), codes=PASSING_CODES)),
}
