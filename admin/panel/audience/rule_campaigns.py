"""Past campaigns in a rule: it holds their ids, people choose and read their names."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign

MAX_OFFERED = 300
_WITH_ID = re.compile(r"(.*) \(([0-9]{1,9})\)")


def offered(session: Session) -> list[str]:
    """What can be chosen, the newest first; what is not among them is found by its name or its id."""
    query = select(Campaign.id, Campaign.name).where(Campaign.launched_at.is_not(None), Campaign.deleted_at.is_(None))
    return [label(*row) for row in session.execute(query.order_by(Campaign.id.desc()).limit(MAX_OFFERED))]


def label(campaign_id: int, name: str) -> str:
    """A campaign as it is chosen; the id keeps those of one name apart."""
    return f"{name or 'No name'} ({campaign_id})"


def names_in(session: Session, rules: Iterable[Any]) -> dict[int, str]:
    """The names of the campaigns that these rules ask about, by id."""
    ids = {item.get("campaign") for rule in rules for item in _conditions(rule)}
    wanted = [it for it in ids if isinstance(it, int) and it < 2**31]
    rows = session.execute(select(Campaign.id, Campaign.name).where(Campaign.id.in_(wanted)))
    return dict(rows.all())


def find_campaign(session: Session, text: str) -> int | str:
    """The id of the campaign that is meant: chosen from the list, or typed as its name or its id. Else the text."""
    if not text.isprintable() or len(text) > 300:
        return text
    named = session.scalars(
        select(Campaign.id).where(Campaign.name == text, Campaign.launched_at.is_not(None)).limit(2)
    )
    found = named.all()
    if len(found) == 1:
        return found[0]
    with_id = _WITH_ID.fullmatch(text)
    digits = with_id[2] if with_id else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return text
    name = session.scalar(select(Campaign.name).where(Campaign.id == int(digits)))
    return text if name is None or (with_id and label(int(digits), name) != text) else int(digits)


def _conditions(rule: Any) -> list[Mapping[str, Any]]:
    groups = rule.get("any", [rule]) if isinstance(rule, Mapping) else []
    items = [item for group in groups if isinstance(group, Mapping) for item in group.get("all", [])]
    return [item for item in items if isinstance(item, Mapping)]
