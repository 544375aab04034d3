"""What follows from a status: people who are free again, undeliverable, or want no marketing."""

from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from models.tables.audit import Audit
from models.tables.contact import Contact
from models.tables.engagement import Engagement
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.statuses import State, apply, at, recipient, status


def test_a_failure_frees_the_person_for_other_campaigns(session: Session) -> None:
    row, other = recipient(session), recipient(session, wamid="w2")
    for item in (row, other):
        session.add(
            Engagement(
                person_key=item.person_key, campaign_id=item.campaign_id, contact_id=item.contact_id, created_at=NOW
            )
        )
    apply(session, status(row, "failed", 2, 131049), status(other, "failed", 2, 131049), status(other, "delivered", 1))
    assert session.scalars(select(Engagement.person_key)).all() == [other.person_key]


def test_undeliverable_is_counted_once_per_recipient_and_forgiven_by_a_delivery(session: Session) -> None:
    person = make_contact(session)
    rows = [
        make_recipient(
            session, make_campaign(session), person, state=State.ACCEPTED, attempts=1, wamid=f"u{n}", accepted_at=NOW
        )
        for n in range(3)
    ]
    for row in rows[:2]:
        for _ in range(2):
            apply(session, status(row, "failed", 2, 131026), status(row, "failed", 2, 131026))
    assert person.undeliverable_count == 2
    apply(session, status(rows[2], "read", 9))
    assert person.undeliverable_count == 0


def test_however_many_are_undeliverable_they_are_counted_in_a_few_statements(session: Session) -> None:
    campaign, twice = make_campaign(session), make_contact(session)
    sent: dict[str, Any] = {"state": State.ACCEPTED, "attempts": 1, "accepted_at": NOW}
    rows = [make_recipient(session, campaign, make_contact(session), wamid=f"m{n}", **sent) for n in range(30)]
    rows += [make_recipient(session, make_campaign(session), twice, wamid=f"t{n}", **sent) for n in range(2)]
    session.flush()
    asked: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda _c, _cursor, text, *_: asked.append(text))
    apply(session, *(status(row, "failed", 2, 131026) for row in rows))
    assert len([text for text in asked if text.startswith("UPDATE contact")]) == 2, "for those named once, and twice"
    counts = session.scalars(select(Contact.undeliverable_count).order_by(Contact.id)).all()
    assert sorted(counts) == [1] * 30 + [2]


def test_a_marketing_stop_told_by_an_error_stops_marketing(session: Session) -> None:
    row = recipient(session)
    apply(session, status(row, "failed", 2, 131050))
    assert session.get_one(type(alice(session)), row.contact_id).marketing_stopped_at == at(2)
    line = session.scalars(select(Audit)).one()
    assert (line.actor, line.action, line.object_id) == ("meta", "marketing_stop", str(row.contact_id))
    assert line.detail == {"code": 131050, "said_at": at(2).isoformat()}
