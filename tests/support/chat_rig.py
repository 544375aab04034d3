"""People who write to a number, and a Meta that says what it is told to: for the tests of answering."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from bot.flows.load import read_flow, to_definition
from bot.meta.callback_data import read_button
from bot.meta.client import GraphClient
from jobs.core.runtime import Runtime, use_runtime
from jobs.replies.dispatcher import ReplyDispatcher
from models.clock import utcnow
from models.conversations.flow_versions import save_flow, set_fallback
from models.events.messages.attribution import AttributedReply, attribute_replies
from models.events.types import InboundMessage, Sender
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Contact
from models.tables.conversation import REFERS, Conversation, Direction, Message, MessageState, UnreadReply
from models.tables.engagement import Engagement
from models.tables.flow import FlowSession
from models.tables.number import Number
from models.tables.recipient import RecipientState
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversations import make_conversation
from tests.support.paths import ROOT
from tests.support.sending_rig import Sending, sandbox_settings

Answer = Callable[[dict[str, Any]], httpx.Response]
_serial = count(1)

TWO = """
name: two
start: a
nodes:
  a: {type: message, text: Hello., next: b}
  b: {type: ask, text: "Your name?", next: c}
  c: {type: end, text: "Thanks!"}
"""
WORKER = "from jobs.replies.answer import answer_waiting; from jobs.core.runtime import runtime; answer_waiting(runtime(), 30.0)"


def accepts(body: dict[str, Any]) -> httpx.Response:
    """200 with an id of its own."""
    wamid = f"wamid.OUT{next(_serial)}"
    return httpx.Response(200, json={"messages": [{"id": wamid}], "contacts": [{"input": body.get("to")}]})


def refuses(code: int) -> Answer:
    """A Graph error with this code."""
    return lambda _body: httpx.Response(400, json={"error": {"code": code, "message": "no"}})


def loses_the_answer(_body: dict[str, Any]) -> httpx.Response:
    """The request may have arrived."""
    raise httpx.ReadTimeout("lost")


class FakeMeta(httpx.AsyncBaseTransport):
    """Keeps what it gets. `answers` are used up one by one, then everything is accepted."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.answers: list[Answer] = []
        self.before: Callable[[dict[str, Any]], None] = lambda _body: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.before(body)
        self.bodies.append(body)
        answer = self.answers.pop(0) if self.answers else accepts
        return answer(body)

    @property
    def texts(self) -> list[str]:
        """What people read, in the order of sending."""
        return [text_in(body) for body in self.bodies]

    @property
    def buttons(self) -> dict[str, str]:
        """Title and payload of the last message's buttons."""
        found = self.bodies[-1]["interactive"]["action"]["buttons"]
        return {button["reply"]["title"]: button["reply"]["id"] for button in found}


def text_in(body: dict[str, Any]) -> str:
    part = body[body["type"]]
    text = part["body"]
    return str(text if isinstance(text, str) else text["text"])


class Chat:
    """The product's parts, a number, and somebody who writes."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.meta = FakeMeta()
        self.desk = self.another_desk()
        with rt.database.write() as session:
            token = rt.vault.encrypt("token")
            self.number_id = make_number(session, access_token=token, messages_per_second=1000, now=utcnow()).id

    def another_desk(self) -> ReplyDispatcher:
        return ReplyDispatcher(self.rt, GraphClient("http://127.0.0.1:9", "v25.0", transport=self.meta))

    def conversation(self, phone: str | None = None, *, last_inbound_at: datetime | None = None, **values: Any) -> int:
        """A chat with a contact of its own."""
        now = utcnow()
        with self.rt.database.write() as session:
            contact = make_contact(session, phone, now=now, **({"name": "Ann Lee"} | values))
            number = session.get_one(Number, self.number_id)
            return make_conversation(session, contact, number, last_inbound_at=last_inbound_at or now, now=now).id

    def flow(self, text: str, *, is_fallback: bool = False) -> int:
        """Load a flow from its file's text."""
        return load_file(self.rt, text, is_fallback=is_fallback)

    def campaign(self, conversation_id: int, flow_id: int | None, *, is_engaged: bool = True) -> tuple[int, int, str]:
        """An active campaign that wrote to this person: its id, the recipient's and the message's."""
        now = utcnow()
        with self.rt.database.write() as session:
            conversation = session.get_one(Conversation, conversation_id)
            contact = session.get_one(Contact, conversation.contact_id)
            number = session.get_one(Number, self.number_id)
            campaign = make_campaign(
                session,
                number,
                make_template(session, number, now=now),
                status=CampaignStatus.ACTIVE,
                flow_id=flow_id,
                launched_at=now,
                now=now,
            )
            wamid = f"wamid.CAMPAIGN{next(_serial)}"
            recipient = make_recipient(
                session, campaign, contact, state=RecipientState.ACCEPTED, wamid=wamid, accepted_at=now, now=now
            )
            if is_engaged:
                session.add(
                    Engagement(
                        person_key=contact.person_key, campaign_id=campaign.id, contact_id=contact.id, created_at=now
                    )
                )
            return campaign.id, recipient.id, wamid

    def says(
        self,
        conversation_id: int,
        text: str,
        *,
        payload: str | None = None,
        context: str | None = None,
        kind: str | None = None,
        at: datetime | None = None,
    ) -> int:
        """The person writes, or presses a button; what they say is attributed as the ingest does it."""
        now = at or utcnow()
        installation = self.rt.installation
        with self.rt.database.write() as session:
            conversation = session.get_one(Conversation, conversation_id)
            number = session.get_one(Number, conversation.number_id)
            said = InboundMessage(
                wamid=f"wamid.IN{next(_serial)}",
                at=now,
                type=kind or ("interactive" if payload else "text"),
                phone_number_id=number.phone_number_id,
                sender=Sender(None),
                payload={},
                text=text,
                context_wamid=context,
                button_payload=payload,
                pressed=read_button(payload),
            )
            reply = AttributedReply(said, conversation.contact_id, number.id)
            target = attribute_replies(session, [reply], installation).get(said.wamid)
            message = Message(
                conversation_id=conversation_id,
                direction=Direction.IN,
                state=MessageState.RECEIVED,
                type=said.type,
                body=text,
                button_payload=payload,
                context_wamid=context,
                wamid=said.wamid,
                recipient_id=target.recipient_id if target else None,
                route=REFERS if target and target.is_reference else None,
                at=now,
            )
            session.add(message)
            session.flush()
            return message.id

    def answer(self, seconds: float = 20.0) -> list[str]:
        """Let the desk work; all that was sent so far."""
        self.desk.drain(seconds)
        return self.meta.texts

    def unread(self) -> list[int]:
        """The conversations with replies that nothing took."""
        with self.rt.database.read() as session:
            return list(session.scalars(select(UnreadReply.conversation_id).order_by(UnreadReply.conversation_id)))

    def message(self, message_id: int) -> Message:
        with self.rt.database.read() as session:
            return session.get_one(Message, message_id)

    def sent(self, conversation_id: int) -> list[Message]:
        """The messages of ours in a chat, in order."""
        with self.rt.database.read() as session:
            query = select(Message).where(
                Message.conversation_id == conversation_id, Message.direction == Direction.OUT
            )
            return list(session.scalars(query.order_by(Message.id)))

    def walks(self) -> list[FlowSession]:
        with self.rt.database.read() as session:
            return list(session.scalars(select(FlowSession).order_by(FlowSession.id)))

    def campaign_row(self, campaign_id: int) -> Campaign:
        with self.rt.database.read() as session:
            return session.get_one(Campaign, campaign_id)


def load_file(rt: Runtime, text: str, *, is_fallback: bool = False) -> int:
    """Check and store a flow; its id."""
    found = read_flow(text, "flow.yaml")
    assert found.flow is not None, found.problems
    with rt.database.write() as session:
        flow = save_flow(session, found.flow.name, text, to_definition(found.flow), utcnow(), "cli")
        if is_fallback:
            set_fallback(session, flow.id, utcnow())
    return flow.id


def people_write(sending: Sending, count: int) -> None:
    """So many people, each with one message that nobody answered yet."""
    load_file(sending.rt, TWO, is_fallback=True)
    now = utcnow()
    with sending.rt.database.write() as session:
        number = session.get_one(Number, sending.number_id)
        for place in range(count):
            contact = make_contact(session, f"+3460002{place:04d}", tags={}, now=now)
            conversation = make_conversation(session, contact, number, last_inbound_at=now, now=now)
            session.add(
                Message(
                    conversation_id=conversation.id,
                    direction=Direction.IN,
                    state=MessageState.RECEIVED,
                    type="text",
                    body="hello",
                    wamid=f"wamid.HELLO{place}",
                    at=now,
                )
            )


def worker(rt: Runtime) -> "subprocess.Popen[bytes]":
    """A process that answers."""
    settings = rt.settings
    environment = {
        "PATH": os.environ["PATH"],
        "HARK_ENV_FILE": os.devnull,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url or "",
        "GRAPH_API_URL": settings.graph_api_url,
        "ENCRYPTION_KEY": settings.encryption_keys[0],
        "SECRET_KEY": settings.secret_key,
    }
    return subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


@contextmanager
def chatting(database_url: str, redis_url: str, var_dir: Path) -> Iterator[Chat]:
    """Open everything, and close it."""
    rt = Runtime(sandbox_settings(database_url, redis_url, "http://127.0.0.1:9", var_dir))
    with use_runtime(rt):
        chat = Chat(rt)
        try:
            yield chat
        finally:
            chat.desk.close()
            rt.close()


def ago(**span: float) -> datetime:
    return utcnow() - timedelta(**span)
