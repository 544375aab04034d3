"""Counts clicks. A person is counted once, however often they open a campaign's links; previews and bots are never clicks.

Others build on the expressions: `has_clicked` and `first_click_at` of a recipient, and `first_clicks` of many.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, Subquery, exists, func, select
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.db.dialect import literal_word
from models.tables.click import Click, ClickKind
from models.tables.recipient import Recipient
from models.tables.tracked_link import TrackedLink

IS_CLICK = Click.kind == literal_word(ClickKind.PERSON)
"""Whether a stored request is a click, that is, a person's."""


@dataclass(frozen=True, slots=True)
class ClickFigures:
    """How many people clicked, how often, and how often previews and bots asked for the links."""

    people: int = 0
    clicks: int = 0
    previews: int = 0
    bots: int = 0

    def to_json(self) -> dict[str, int]:
        """The public form."""
        return {"people": self.people, "clicks": self.clicks, "previews": self.previews, "bots": self.bots}


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """A tracked link with its figures."""

    id: int
    field: str
    url: str
    figures: ClickFigures


def has_clicked(recipient_id: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Return the condition that the recipient of this id (a column) opened a link of the campaign's."""
    return exists().where(Click.recipient_id == recipient_id, IS_CLICK)


def first_click_at(recipient_id: SQLColumnExpression[int]) -> ColumnElement[Any]:
    """Return SQL for when the recipient of this id (a column) first clicked; NULL if they did not."""
    return select(func.min(Click.at)).where(Click.recipient_id == recipient_id, IS_CLICK).scalar_subquery()


def first_clicks(campaign_ids: Iterable[int], *conditions: ColumnElement[bool]) -> Subquery:
    """Return the rows (campaign_id, recipient_id, at) of everybody who clicked in these campaigns, `at` their first click.

    `conditions` are further ones on `Click`, such as a range of recipients.
    """
    query = _requests(campaign_ids, TrackedLink.campaign_id, Click.recipient_id, func.min(Click.at).label("at"))
    return query.where(IS_CLICK, *conditions).group_by(TrackedLink.campaign_id, Click.recipient_id).subquery("clicked")


def first_clicks_of(session: Session, recipient_ids: Sequence[int]) -> dict[int, datetime]:
    """Return when each of these recipients first clicked. Who did not is absent."""
    if not recipient_ids:
        return {}
    is_theirs = among(session, Click.recipient_id, recipient_ids)
    query = select(Click.recipient_id, func.min(Click.at)).where(is_theirs, IS_CLICK).group_by(Click.recipient_id)
    return {row[0]: row[1] for row in session.execute(query)}


def clicks_of(session: Session, campaign_ids: Iterable[int]) -> dict[int, ClickFigures]:
    """Return the figures of all links of each campaign. Every campaign has an entry."""
    wanted = list(campaign_ids)
    rows = session.execute(_counted(wanted, TrackedLink.campaign_id)) if wanted else ()
    return dict.fromkeys(wanted, ClickFigures()) | _figures(rows)


def clicked_by_cohort(session: Session, campaign_ids: Sequence[int]) -> dict[int, dict[int | None, int]]:
    """Return how many people of each cohort clicked, by campaign and cohort id. Cohorts without any are absent."""
    clicked: dict[int, dict[int | None, int]] = {}
    if campaign_ids:
        people = func.count(Click.recipient_id.distinct())
        query = _requests(campaign_ids, TrackedLink.campaign_id, Recipient.cohort_id, people)
        query = query.join(Recipient, Recipient.id == Click.recipient_id).where(IS_CLICK)
        for campaign_id, cohort_id, number in session.execute(
            query.group_by(TrackedLink.campaign_id, Recipient.cohort_id)
        ):
            clicked.setdefault(campaign_id, {})[cohort_id] = number
    return clicked


def link_figures(session: Session, campaign_id: int) -> list[LinkFigures]:
    """Return the campaign's links with their figures, in the order in which they were made."""
    figures = _figures(session.execute(_counted([campaign_id], TrackedLink.id)))
    links = select(TrackedLink).where(TrackedLink.campaign_id == campaign_id).order_by(TrackedLink.id)
    return [
        LinkFigures(link.id, link.field, link.url, figures.get(link.id, ClickFigures()))
        for link in session.scalars(links)
    ]


def _counted(campaign_ids: Sequence[int], key: Any) -> Select[Any]:
    people = func.count(Click.recipient_id.distinct())
    return _requests(campaign_ids, key.label("key"), Click.kind, people, func.count()).group_by(key, Click.kind)


def _requests(campaign_ids: Iterable[int], *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .join_from(TrackedLink, Click, Click.link_id == TrackedLink.id)
        .where(TrackedLink.campaign_id.in_(list(campaign_ids)))
    )


def _figures(rows: Iterable[Any]) -> dict[int, ClickFigures]:
    counted: dict[int, dict[ClickKind, tuple[int, int]]] = {}
    for key, kind, people, requests in rows:
        counted.setdefault(key, {})[kind] = (people, requests)
    return {key: _of_kinds(kinds) for key, kinds in counted.items()}


def _of_kinds(kinds: Mapping[ClickKind, tuple[int, int]]) -> ClickFigures:
    people, clicks = kinds.get(ClickKind.PERSON, (0, 0))
    previews, bots = (kinds.get(kind, (0, 0))[1] for kind in (ClickKind.PREVIEW, ClickKind.BOT))
    return ClickFigures(people, clicks, previews, bots)
