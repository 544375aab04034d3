"""What is over by its own nature goes, slice by slice; what still counts stays."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.user_ids import later_user_ids, remember_user_id
from models.conversations.flow_versions import save_flow
from models.db.engine import Database
from models.events.dead_letters import keep_dead_letter, purge_dead_letters
from models.events.messages.known import stored_wamids
from models.privacy.cleanup import purge_actions, purge_lanes, purge_ledger, purge_parked, purge_user_ids, purge_wamids
from models.privacy.guards import drop_guards
from models.privacy.retention import purge_messages
from models.tables.contact import Consent
from models.tables.conversation import Direction, Message, MessageState
from models.tables.engagement import LedgerEntry
from models.tables.flow import Action, ActionKind, ActionState, FlowSession, SessionStatus
from models.tables.lane import Lane
from models.tables.recipient import RecipientState
from models.tables.webhook_event import DeadLetter, ParkedStatus
from tests.support.factories.campaigns import make_campaign, make_lane, make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.factories.conversations import make_conversation

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_dead_letters_go_after_the_days_of_the_setting(session: Session) -> None:
    keep_dead_letter(session, b"old", "ValueError", NOW - 31 * DAY)
    keep_dead_letter(session, b"older", "ValueError", NOW - 32 * DAY)
    keep_dead_letter(session, b"new", "ValueError", NOW - 29 * DAY)
    assert [purge_dead_letters(session, NOW, limit=1) for _ in range(3)] == [1, 1, 0]
    assert session.scalars(select(DeadLetter.payload)).all() == ["new"]


def test_parked_statuses_go_when_their_time_is_over(session: Session) -> None:
    for wamid, expires_at in (("w1", NOW), ("w2", NOW + HOUR)):
        session.add(ParkedStatus(wamid=wamid, status={}, first_at=NOW - DAY, expires_at=expires_at))
    assert (purge_parked(session, NOW), purge_parked(session, NOW)) == (1, 0)
    assert session.scalars(select(ParkedStatus.wamid)).all() == ["w2"]


def test_a_lane_goes_a_day_after_its_end_unless_it_holds_something(session: Session) -> None:
    number = make_number(session)
    ended, swept, fresh, live, holding = (make_lane(session, number, now=NOW - 3 * DAY) for _ in range(5))
    ended.ended_at = swept.swept_at = holding.ended_at = NOW - 2 * DAY
    fresh.ended_at = NOW - HOUR
    recipient = make_recipient(session, make_campaign(session, number), alice(session), lane_id=ended.id)
    sending: dict[str, Any] = {"state": RecipientState.SENDING, "lane_id": holding.id}
    make_recipient(session, make_campaign(session, number), make_contact(session), **sending)
    assert (purge_lanes(session, NOW, limit=1), purge_lanes(session, NOW), purge_lanes(session, NOW)) == (1, 1, 0)
    assert set(session.scalars(select(Lane.id))) == {fresh.id, live.id, holding.id}
    session.refresh(recipient)
    assert recipient.lane_id == ended.id


def test_finished_actions_go_after_a_day_and_open_ones_stay(session: Session) -> None:
    number = make_number(session)
    save_flow(session, "spring", "name: spring", {}, NOW, "ana@example.com")
    walk = FlowSession(
        contact_id=alice(session).id, number_id=number.id, flow_version_id=1, status=SessionStatus.ACTIVE, state={},
        started_at=NOW, updated_at=NOW,
    )  # fmt: skip
    session.add(walk)
    session.flush()
    for state, done_at in (
        (ActionState.DONE, NOW - 2 * DAY),
        (ActionState.FAILED, NOW - 2 * DAY),
        (ActionState.CANCELLED, NOW - HOUR),
        (ActionState.PENDING, None),
    ):
        session.add(
            Action(
                session_id=walk.id, kind=ActionKind.TIMER, state=state, payload={}, created_at=NOW - 9 * DAY,
                done_at=done_at,
            )
        )  # fmt: skip
    session.flush()
    assert (purge_actions(session, NOW), purge_actions(session, NOW)) == (2, 0)
    assert set(session.scalars(select(Action.state))) == {ActionState.CANCELLED, ActionState.PENDING}


def test_the_ledger_forgets_who_counts_no_more(session: Session) -> None:
    for _ in range(2):
        portfolio_id = make_number(session).waba.portfolio_id
        for hours in (1, 24, 26, 48):
            session.add(LedgerEntry(portfolio_id=portfolio_id, person_key=f"p{hours}", first_at=NOW - hours * HOUR))
    session.flush()
    assert [purge_ledger(session, NOW, limit=3) for _ in range(3)] == [3, 1, 0]
    assert sorted(session.scalars(select(LedgerEntry.person_key))) == ["p1", "p1", "p24", "p24"]


def test_changes_of_user_ids_go_after_30_days(session: Session) -> None:
    portfolio_id = make_number(session).waba.portfolio_id
    remember_user_id(session, portfolio_id, "ES.1", "ES.2", NOW, NOW - 31 * DAY)
    remember_user_id(session, portfolio_id, "ES.2", "ES.3", NOW, NOW - 29 * DAY)
    assert purge_user_ids(session, NOW) == 1
    assert (later_user_ids(session, portfolio_id, "ES.1"), later_user_ids(session, portfolio_id, "ES.2")) == (
        [],
        ["ES.3"],
    )


def test_ids_that_an_earlier_version_left_of_redacted_people_become_hashes(database: Database) -> None:
    with database.write_engine.connect() as connection:
        drop_guards(connection)
    with database.write() as session:
        number = make_number(session)
        for name in ("gone", "here"):
            values: dict[str, Any] = {"consent": Consent.REDACTED, "redacted_at": NOW} if name == "gone" else {}
            conversation = make_conversation(session, make_contact(session, **values), number)
            session.add(
                Message(
                    conversation_id=conversation.id, direction=Direction.IN, state=MessageState.RECEIVED, type="text",
                    at=NOW, wamid=f"wamid.{name}", context_wamid=f"wamid.context.{name}", handled_at=NOW,
                )
            )  # fmt: skip
        session.flush()
        assert (purge_wamids(session, NOW), purge_wamids(session, NOW)) == (1, 0)
        session.expire_all()
        left = {(message.wamid, message.context_wamid) for message in session.scalars(select(Message))}
        assert left == {(None, None), ("wamid.here", "wamid.context.here")}
        assert stored_wamids(session, ["wamid.gone", "wamid.here", "wamid.new"]) == {"wamid.gone", "wamid.here"}


def test_the_id_of_a_purged_message_is_never_given_again(session: Session) -> None:
    conversation = make_conversation(session, alice(session), make_number(session))

    def say() -> int:
        message = Message(
            conversation_id=conversation.id, direction=Direction.IN, state=MessageState.RECEIVED, type="text",
            at=NOW - 400 * DAY, handled_at=NOW,
        )  # fmt: skip
        session.add(message)
        session.flush()
        return message.id

    first = say()
    assert purge_messages(session, NOW) == 1
    session.expunge_all()
    assert say() > first
