"""A campaign keeps its type, and rules say `pressed`.

The type is a plain nullable column: adding it rewrites no row. Campaigns that have started get the type that their template has
now. In the rules of segments `clicked` becomes `pressed`, since it always meant a pressed button; `clicked` is kept free for links.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

json = sa.JSON().with_variant(JSONB(), "postgresql")
CAMPAIGN = sa.table(
    "campaign",
    sa.column("id", sa.Integer),
    sa.column("template_id", sa.Integer),
    sa.column("type", sa.String),
    sa.column("started_at", sa.DateTime),
)
TEMPLATE = sa.table("template", sa.column("id", sa.Integer), sa.column("category", sa.String), sa.column("components", json))
SEGMENT = sa.table("segment", sa.column("id", sa.Integer), sa.column("rule", json))
PRESSED = {"clicked": "pressed", "not_clicked": "not_pressed"}
CLICKED = {new: old for old, new in PRESSED.items()}


def upgrade() -> None:
    op.add_column("campaign", sa.Column("type", sa.String(length=24), nullable=True))
    templates = op.get_bind().execute(sa.select(TEMPLATE.c.id, TEMPLATE.c.category, TEMPLATE.c.components)).all()
    for template_id, category, components in templates:
        is_of_it = sa.and_(CAMPAIGN.c.template_id == template_id, CAMPAIGN.c.started_at.is_not(None))
        op.execute(sa.update(CAMPAIGN).where(is_of_it).values(type=_type(category, components or [])))
    _rename(PRESSED)


def downgrade() -> None:
    _rename(CLICKED)
    op.drop_column("campaign", "type")


def _type(category: str, components: list[dict[str, Any]]) -> str:
    buttons = [button for component in components for button in component.get("buttons") or []]
    if any(str(button.get("type", "")).upper() == "CATALOG" for button in buttons):
        return "catalog"
    return "promotional" if category.upper() == "MARKETING" else "informational"


def _rename(words: Mapping[str, str]) -> None:
    """Write other words for the operators of conditions on campaigns."""
    bind = op.get_bind()
    for segment_id, rule in bind.execute(sa.select(SEGMENT.c.id, SEGMENT.c.rule)).all():
        renamed = _renamed(rule, words)
        if renamed != rule:
            bind.execute(sa.update(SEGMENT).where(SEGMENT.c.id == segment_id).values(rule=renamed))


def _renamed(part: Any, words: Mapping[str, str]) -> Any:
    if isinstance(part, list):
        return [_renamed(item, words) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("on") == "campaign":
        return part | {"op": words.get(part.get("op"), part.get("op"))}
    return {key: _renamed(item, words) for key, item in part.items()}
