"""Counting clicks: people once, previews and bots apart."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clicks.figures import (
    ClickFigures,
    clicks_of,
    first_click_at,
    first_clicks,
    first_clicks_of,
    has_clicked,
    link_figures,
)
from models.tables.click import ClickKind
from models.tables.recipient import Recipient
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.clicks import make_click, make_link
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob

LATER = NOW + timedelta(minutes=5)


def test_people_are_counted_once_and_previews_and_bots_apart(session: Session) -> None:
    number = make_number(session)
    campaign, other = make_campaign(session, number), make_campaign(session, number)
    one, two = (make_recipient(session, campaign, person(session)) for person in (alice, bob))
    spring = make_link(session, campaign)
    card = make_link(session, campaign, field="cards.1.variables.buttons.0")
    unasked = make_link(session, other)
    for at in (LATER, NOW):
        make_click(session, spring, one, at=at)
    make_click(session, card, one, at=LATER)
    for kind in (ClickKind.PREVIEW, ClickKind.BOT, ClickKind.BOT, ClickKind.HEAD):
        make_click(session, card, two, kind, at=NOW - timedelta(hours=1))

    assert clicks_of(session, [campaign.id, other.id]) == {
        campaign.id: ClickFigures(people=1, clicks=3, previews=1, bots=2),
        other.id: ClickFigures(),
    }
    assert clicks_of(session, []) == {}
    assert [(it.field, it.figures.to_json()) for it in link_figures(session, campaign.id)] == [
        ("variables.buttons.0", {"people": 1, "clicks": 2, "previews": 0, "bots": 0}),
        ("cards.1.variables.buttons.0", {"people": 1, "clicks": 1, "previews": 1, "bots": 2}),
    ]
    assert [it.id for it in link_figures(session, other.id)] == [unasked.id]
    assert first_clicks_of(session, [one.id, two.id]) == {one.id: NOW}
    assert first_clicks_of(session, []) == {}
    clicked = first_clicks([campaign.id, other.id])
    assert [tuple(row) for row in session.execute(select(clicked))] == [(campaign.id, one.id, NOW)]
    columns = select(Recipient.id, has_clicked(Recipient.id), first_click_at(Recipient.id)).order_by(Recipient.id)
    assert [tuple(row) for row in session.execute(columns)] == [(one.id, True, NOW), (two.id, False, None)]
