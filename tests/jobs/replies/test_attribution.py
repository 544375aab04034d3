"""The campaign that a message counts for and the campaign whose flow takes it are never two different ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot.flows.load import read_flow, to_definition
from bot.flows.session import FlowState
from bot.router import Route
from jobs.replies.decide import BatchContext, decide
from jobs.replies.flow_cache import FlowCache
from jobs.replies.plan import ReplyPlan
from models.conversations.context import load_reply_contexts
from models.conversations.flow_sessions import NewSession, begin_sessions
from models.conversations.flow_versions import save_flow, set_fallback
from models.db.engine import Database
from models.events.messages.store import store_inbound
from models.events.types import InboundMessage, PressedButton, Sender
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Contact
from models.tables.conversation import Direction, Message, MessageState
from models.tables.engagement import Engagement
from models.tables.flow import FlowVersion
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from tests.support.chat_rig import TWO
from tests.support.factories.campaigns import make_campaign, make_lane, make_number, make_recipient, make_template
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import make_conversation

PHONE = "34600000077"
MINE = "inst"
DAY = 24 * 3600
ENDED = {"status": CampaignStatus.ENDED, "ended_at": NOW, "pause_reason": None, "paused_at": None}
SENT_AGO = [-3600, -61, -60, 0, 3600, 7 * DAY - 1, 7 * DAY, 7 * DAY + 1, 30 * DAY]
"""Seconds before the message; the edges of the seven days and of the minute by which clocks may differ."""
MOMENT = {
    RecipientState.ACCEPTED: "accepted_at",
    RecipientState.HELD: "accepted_at",
    RecipientState.UNSURE: "unsure_at",
    RecipientState.SENDING: "claimed_at",
}
"""When a message left, by its state; in any other state it has not."""
FLOWS = {name: TWO.replace("name: two", f"name: {name}") for name in ("first", "second", "third", "fallback")}
KEYWORD = TWO.replace("name: two", "name: keyword\nkeywords: [opening hours]")
_serial = count(1)


@dataclass(frozen=True)
class Sent:
    """A campaign that has the person as a recipient."""

    is_other_number: bool
    seconds_ago: int
    state: RecipientState
    status: CampaignStatus
    has_flow: bool


@dataclass(frozen=True)
class World:
    """What a person was sent, where they stand, and what their message refers to; campaigns by their place in `sent`."""

    sent: tuple[Sent, ...]
    engaged: int | None
    walk: int | None
    """-1: through a flow that belongs to no campaign."""
    reference: tuple[str, int] | None
    text: str
    ends_meanwhile: bool
    """Every campaign ends between the storing of the message and its answer."""


@st.composite
def worlds(draw: st.DrawFn) -> World:
    campaign = st.builds(
        Sent,
        is_other_number=st.booleans(),
        seconds_ago=st.sampled_from(SENT_AGO),
        state=st.sampled_from([*MOMENT, RecipientState.QUEUED, RecipientState.REFUSED]),
        status=st.sampled_from([CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.ENDED]),
        has_flow=st.booleans(),
    )
    sent = tuple(draw(st.lists(campaign, max_size=3)))
    places = st.integers(0, len(sent) - 1) if sent else st.nothing()
    kinds = st.sampled_from(["press", "press elsewhere", "quote campaign", "quote bot", "quote own"])
    return World(
        sent,
        engaged=draw(st.none() | places),
        walk=draw(st.none() | st.just(-1) | places),
        reference=draw(st.none() | st.tuples(kinds, places)),
        text=draw(st.sampled_from(["hello", "opening hours"])),
        ends_meanwhile=draw(st.booleans()),
    )


def expected(world: World) -> int | None:
    """The rule in plain words: the place of the campaign that the message belongs to."""
    if world.reference is not None and world.reference[0] in {"press", "quote campaign", "quote bot"}:
        return world.reference[1]
    left = [
        place
        for place, sent in enumerate(world.sent)
        if not sent.is_other_number and sent.state in MOMENT and sent.seconds_ago >= -60
    ]
    if world.engaged in left and world.sent[world.engaged].status is not CampaignStatus.ENDED:
        return world.engaged
    recent = [place for place in left if world.sent[place].seconds_ago <= 7 * DAY]
    return min(recent, key=lambda place: (world.sent[place].seconds_ago, -place), default=None)


class Scene:
    """A person and a number in a database in which every world is played and taken back."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.number, self.other = make_number(session), make_number(session)
        self.template = make_template(session, self.number)
        self.person = make_contact(session, f"+{PHONE}", wa_id=PHONE)
        self.chat = make_conversation(session, self.person, self.number)
        self.lane = make_lane(session)
        self.flows = {name: _load(session, text) for name, text in {**FLOWS, "keyword": KEYWORD}.items()}
        set_fallback(session, self.flows["fallback"], NOW)
        self.shelf = FlowCache()

    def play(self, world: World) -> tuple[list[int], Message, ReplyPlan]:
        """Store the message, then decide its answer: the recipients of `sent`, the stored message, the plan."""
        with self.session.begin_nested() as savepoint:
            rows = [self._sent(place, sent) for place, sent in enumerate(world.sent)]
            recipients = [row.id for row in rows]
            if world.engaged is not None:
                self._engage(rows[world.engaged])
            if world.walk is not None:
                self._walk(recipients[world.walk] if world.walk >= 0 else None)
            said = self._message(world, rows)
            store_inbound(self.session, [said], NOW, MINE)
            if world.ends_meanwhile:
                self.session.execute(update(Campaign).values(**ENDED))
                self.session.execute(delete(Engagement))
            message = self.session.scalars(select(Message).where(Message.wamid == said.wamid)).one()
            plan = self._decide()
            self.session.expunge(message)
            savepoint.rollback()
        return recipients, message, plan

    def _decide(self) -> ReplyPlan:
        situation = load_reply_contexts(self.session, [self.chat.id], NOW)[self.chat.id]
        self.shelf.refresh(self.session, [situation.live.flow_version_id] if situation.live else [])
        plan = decide(situation, BatchContext(self.shelf, None, "", ""), NOW)
        assert plan is not None
        return plan

    def _sent(self, place: int, sent: Sent) -> Recipient:
        values: dict[str, Any] = {"wamid": f"wamid.sent{place}"}
        if sent.state in MOMENT:
            values[MOMENT[sent.state]] = NOW - timedelta(seconds=sent.seconds_ago)
        if sent.state is RecipientState.SENDING:
            values["lane_id"] = self.lane.id
        flow_id = self.flows[("first", "second", "third")[place]] if sent.has_flow else None
        number = self.other if sent.is_other_number else self.number
        campaign = make_campaign(self.session, number, self.template, status=sent.status, flow_id=flow_id)
        return make_recipient(self.session, campaign, self.person, state=sent.state, **values)

    def _engage(self, row: Recipient) -> None:
        key, contact_id = self.person.person_key, self.person.id
        self.session.add(Engagement(person_key=key, campaign_id=row.campaign_id, contact_id=contact_id, created_at=NOW))

    def _walk(self, recipient_id: int | None) -> None:
        version = self.session.scalars(select(FlowVersion.id).where(FlowVersion.flow_id == self.flows["first"])).one()
        state = FlowState.begin(NOW).to_json()
        begin_sessions(self.session, [NewSession(self.person.id, self.number.id, version, recipient_id, state)], NOW)

    def _message(self, world: World, rows: list[Recipient]) -> InboundMessage:
        kind, place = world.reference or ("", 0)
        row = rows[place] if world.reference else None
        context = {"quote campaign": f"wamid.sent{place}", "quote bot": "wamid.bot", "quote own": "wamid.own"}.get(kind)
        if row is not None and kind in {"quote bot", "quote own"}:
            is_own = kind == "quote own"
            self.session.add(
                Message(
                    conversation_id=self.chat.id,
                    direction=Direction.IN if is_own else Direction.OUT,
                    state=MessageState.RECEIVED if is_own else MessageState.ACCEPTED,
                    type="text",
                    at=NOW - timedelta(days=1),
                    handled_at=NOW,
                    wamid=context,
                    recipient_id=row.id,
                )
            )
        pressed = None
        if row is not None and kind in {"press", "press elsewhere"}:
            pressed = PressedButton(MINE if kind == "press" else "other", row.id, 0)
        return InboundMessage(
            wamid=f"wamid.in{next(_serial)}",
            at=NOW,
            type="button" if pressed else "text",
            phone_number_id=self.number.phone_number_id,
            sender=Sender(PHONE),
            payload={},
            text=world.text,
            context_wamid=context,
            button_payload=f"h1b:{pressed.installation}:{pressed.recipient_id}:0" if pressed else None,
            pressed=pressed,
        )


def _load(session: Session, text: str) -> int:
    found = read_flow(text, "flow.yaml")
    assert found.flow is not None, found.problems
    return save_flow(session, found.flow.name, text, to_definition(found.flow), NOW, "cli").id


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    with database.write() as session:
        yield Scene(session)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(world=worlds())
def test_the_counted_and_the_routed_campaign_are_never_two_different_ones(scene: Scene, world: World) -> None:
    recipients, message, plan = scene.play(world)
    counted = expected(world)
    assert message.recipient_id == (None if counted is None else recipients[counted])

    assert plan.handled is not None
    routed = recipients.index(plan.recipient_id) if plan.recipient_id else None
    if counted is None:
        assert plan.handled.route in {Route.SESSION, Route.KEYWORD, Route.FALLBACK}
        assert routed in ({None, world.walk} if plan.handled.route is Route.SESSION else {None})
        return
    assert routed in {None, counted}
    is_ended = world.ends_meanwhile or world.sent[counted].status is CampaignStatus.ENDED
    is_reference = world.reference is not None and world.reference[0] in {"press", "quote campaign", "quote bot"}
    if world.walk == counted:
        assert (plan.handled.route, routed) == (Route.SESSION, counted)
    elif world.walk == -1 and not is_reference:
        assert plan.handled.route is Route.SESSION
    else:
        may_begin = world.sent[counted].has_flow and (is_reference or not is_ended)
        assert (routed == counted) is may_begin


def test_somebody_else_s_message_is_no_reference(scene: Scene) -> None:
    session = scene.session
    number = session.get_one(Number, scene.number.id)
    somebody: Contact = make_contact(session)
    row = make_recipient(
        session,
        make_campaign(session, number),
        somebody,
        state=RecipientState.ACCEPTED,
        accepted_at=NOW,
        wamid="theirs",
    )
    for wamid, values in (
        ("a", {"context_wamid": "theirs"}),
        ("b", {"pressed": PressedButton(MINE, row.id, 0)}),
    ):
        said = InboundMessage(wamid, NOW, "text", number.phone_number_id, Sender(PHONE), {}, "hello", **values)
        store_inbound(session, [said], NOW, MINE)
    kept = session.execute(select(Message.recipient_id, Message.route).where(Message.wamid.in_(["a", "b"]))).all()
    assert [tuple(each) for each in kept] == [(None, None)] * 2
