"""Translates between the campaign ids that a rule stores and the names that an operator chooses and reads."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign

MAX_OFFERED = 300
_WITH_ID = re.compile(r"(.*) \(([0-9]{1,9})\)")


def campaign_choices(session: Session) -> list[str]:
    """Labels of the newest launched campaigns, for a datalist; others can be typed by name or id."""
    query = select(Campaign.id, Campaign.name).where(Campaign.launched_at.is_not(None), Campaign.deleted_at.is_(None))
    return [campaign_label(*row) for row in session.execute(query.order_by(Campaign.id.desc()).limit(MAX_OFFERED))]


def campaign_label(campaign_id: int, name: str) -> str:
    """A campaign as it is chosen; the id distinguishes campaigns of the same name."""
    return f"{name or 'No name'} ({campaign_id})"


def campaign_names(session: Session, rules: Iterable[Any]) -> dict[int, str]:
    """The names of the campaigns that the rules refer to, by id."""
    ids = {item.get("campaign") for rule in rules for item in _conditions(rule)}
    valid_ids = [campaign_id for campaign_id in ids if isinstance(campaign_id, int) and campaign_id < 2**31]
    rows = session.execute(select(Campaign.id, Campaign.name).where(Campaign.id.in_(valid_ids)))
    return dict(rows.all())


def find_campaign(session: Session, text: str) -> int | str:
    """The id of the campaign that a label, a unique name or an id means; the text itself if there is no such campaign."""
    if not text.isprintable() or len(text) > 300:
        return text
    rows = session.scalars(select(Campaign.id).where(Campaign.name == text, Campaign.launched_at.is_not(None)).limit(2))
    ids = rows.all()
    if len(ids) == 1:
        return ids[0]
    with_id = _WITH_ID.fullmatch(text)
    digits = with_id[2] if with_id else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return text
    name = session.scalar(select(Campaign.name).where(Campaign.id == int(digits)))
    return text if name is None or (with_id and campaign_label(int(digits), name) != text) else int(digits)


def _conditions(rule: Any) -> list[Mapping[str, Any]]:
    groups = rule.get("any", [rule]) if isinstance(rule, Mapping) else []
    items = [item for group in groups if isinstance(group, Mapping) for item in group.get("all", [])]
    return [item for item in items if isinstance(item, Mapping)]
