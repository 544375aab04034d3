"""Renders the inbox: the list of conversations and one chat, which an agent answers inside the 24 h window."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, joinedload

from admin.operations import inbox as talks
from admin.operations.cases import close_case_of_contact
from admin.panel import labels as words
from admin.panel.base import PAGE_ROWS, action, back, page, positive
from admin.panel.possible_opt_outs import PossibleOptOutRoutes, marked_among, shown_possible_opt_out
from models.clock import utcnow
from models.conversations.messages import is_window_open
from models.conversations.possible_opt_outs import may_want_to_stop
from models.db.dialect import literal_word
from models.form_replies import form_text
from models.stored_texts import show_stored
from models.tables.campaign import Campaign
from models.tables.conversation import WINDOW, Case, CaseStatus, Conversation, Direction, Message, UnreadReply
from models.tables.flow import Flow, FlowSession, SessionStatus
from models.tables.recipient import Recipient, RecipientState
from models.tables.user import Role

MAX_MESSAGES = 200
PARTS = ("chat",)
CASE_FILTERS: dict[str, list[ColumnElement[bool]]] = {
    "open": [Case.closed_at.is_(None)],
    "waiting": [Case.closed_at.is_(None), Case.status == literal_word(CaseStatus.WAITING)],
}
"""The lists of open cases: what the address calls them, and which cases each shows."""


@dataclass(frozen=True)
class ChatBubble:
    """One message as the chat shows it."""

    is_out: bool
    text: str
    at: datetime
    note: str
    is_bad: bool
    author: str


class InboxView(PossibleOptOutRoutes):
    """The routes of the inbox."""

    icon = "inbox"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The list of conversations."""
        return self.render("panel/inbox.html", talk=None, **self._list())

    @page("/<int:conversation_id>/")
    def show(self, conversation_id: int) -> ResponseReturnValue:
        """One chat beside the list. Aborts with 404 if there is no such conversation."""
        return self.render("panel/inbox.html", **self._list(), **self._chat(conversation_id))

    @page("/<int:conversation_id>/live")
    def live(self, conversation_id: int) -> ResponseReturnValue:
        """The chat as an HTML fragment."""
        context = self._chat(conversation_id)
        return {"parts": {"chat": render_template("panel/inbox/chat.html", **context)}, "done": False}

    @action("/<int:conversation_id>/answer", Role.AGENT)
    def answer(self, conversation_id: int) -> ResponseReturnValue:
        """Send a message; the conversation is assigned to the agent."""
        text = request.form.get("text", "").replace("\r\n", "\n")
        self.attempt(None, lambda: talks.send_answer(self.rt, conversation_id, text, self.me.email))
        return back(".show", conversation_id=conversation_id)

    @action("/<int:conversation_id>/take", Role.AGENT)
    def take(self, conversation_id: int) -> ResponseReturnValue:
        """Assign the case to this agent, or open one."""
        self.attempt(
            "It is yours: no bot and no campaign writes here.",
            lambda: talks.take_conversation(self.rt, conversation_id, self.me.email),
        )
        return back(".show", conversation_id=conversation_id)

    @action("/<int:conversation_id>/close", Role.AGENT)
    def close(self, conversation_id: int) -> ResponseReturnValue:
        """Close the case."""
        self.attempt("Closed.", lambda: talks.close_conversation(self.rt, conversation_id, self.me.email))
        return back(".show", conversation_id=conversation_id)

    @action("/<int:conversation_id>/read", Role.AGENT)
    def read(self, conversation_id: int) -> ResponseReturnValue:
        """Mark the unread replies as read, up to the time that the page showed."""
        until = _parse_time(request.form.get("until", ""))
        if until is None:
            abort(400)
        self.attempt(
            "Marked as read.", lambda: talks.mark_conversation_read(self.rt, conversation_id, until, self.me.email)
        )
        return back(".show", conversation_id=conversation_id)

    @action("/cases/<int:contact_id>/close", Role.AGENT)
    def close_case(self, contact_id: int) -> ResponseReturnValue:
        """Close the case of somebody without a conversation."""
        self.attempt("Closed.", lambda: close_case_of_contact(self.rt, contact_id, self.me.email))
        return back(".index", show="open")

    @action("/<int:conversation_id>/hand", Role.AGENT)
    def hand(self, conversation_id: int) -> ResponseReturnValue:
        """Start a bot flow in the conversation."""
        text = request.form.get("flow", "")
        flow_id = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        self.attempt(
            "The bot goes on from here.", lambda: talks.start_flow(self.rt, conversation_id, flow_id, self.me.email)
        )
        return back(".show", conversation_id=conversation_id)

    def _list(self) -> dict[str, Any]:
        show, before = request.args.get("show", ""), request.args.get("before", "")
        query = select(Conversation).where(Conversation.last_message_at.is_not(None))
        if show in CASE_FILTERS:
            query = query.where(exists().where(Case.contact_id == Conversation.contact_id, *CASE_FILTERS[show]))
        elif show == "unread":
            query = query.where(exists().where(UnreadReply.conversation_id == Conversation.id) | may_want_to_stop())
        elif show == "stop":
            query = query.where(may_want_to_stop())
        elif show == "window":
            query = query.where(Conversation.last_inbound_at > utcnow() - WINDOW)
        moment = _parse_time(before)
        if moment is not None:
            query = query.where(Conversation.last_message_at < moment)
        options = (joinedload(Conversation.contact), joinedload(Conversation.number))
        with self.rt.database.read() as session:
            rows = list(
                session.scalars(
                    query.options(*options).order_by(Conversation.last_message_at.desc()).limit(PAGE_ROWS + 1)
                )
            )
            shown = rows[:PAGE_ROWS]
            cases = {
                case.contact_id: case
                for case in session.scalars(
                    select(Case).where(Case.contact_id.in_([row.contact_id for row in shown]), Case.closed_at.is_(None))
                )
            }
            last = {row.id: _last_message(session, row.id) for row in shown}
            unread_query = select(UnreadReply.conversation_id)
            unread = set(
                session.scalars(unread_query.where(UnreadReply.conversation_id.in_([row.id for row in shown])))
            )
            may_stop = marked_among(session, [row.id for row in shown])
            silent = _cases_without_words(session, show) if show in CASE_FILTERS and moment is None else []
        last_at = shown[-1].last_message_at if len(rows) > PAGE_ROWS else None
        following = url_for(".index", show=show or None, before=last_at.isoformat()) if last_at else None
        return {
            "talks": shown,
            "cases": cases,
            "last": last,
            "unread": unread,
            "may_stop": may_stop,
            "show": show,
            "following": following,
            "silent": silent[:PAGE_ROWS],
            "silent_before": silent[PAGE_ROWS - 1].id if len(silent) > PAGE_ROWS else None,
            "me": self.me,
        }

    def _chat(self, conversation_id: int) -> dict[str, Any]:
        before = positive("earlier")
        with self.rt.database.read() as session:
            options = (joinedload(Conversation.contact), joinedload(Conversation.number))
            talk = session.get(Conversation, conversation_id, options=options)
            if talk is None:
                abort(404)
            query = select(Message).where(Message.conversation_id == conversation_id)
            query = query.where(Message.id < before) if before else query
            messages = list(
                session.scalars(query.order_by(Message.at.desc(), Message.id.desc()).limit(MAX_MESSAGES + 1))
            )
            bubbles = [_bubble(message) for message in reversed(messages[:MAX_MESSAGES])]
            bubbles += _campaign_bubbles(session, talk) if not before else []
            case = session.scalar(select(Case).where(Case.contact_id == talk.contact_id, Case.closed_at.is_(None)))
            session_id = session.scalar(
                select(FlowSession.id).where(
                    FlowSession.contact_id == talk.contact_id,
                    FlowSession.number_id == talk.number_id,
                    FlowSession.status == SessionStatus.ACTIVE,
                )
            )
            unread = session.get(UnreadReply, conversation_id)
            possible_opt_out = shown_possible_opt_out(session, conversation_id)
            flows = session.execute(select(Flow.id, Flow.name).order_by(Flow.name)).all()
        now = utcnow()
        closes_at = talk.last_inbound_at + WINDOW if talk.last_inbound_at else None
        return {
            "talk": talk,
            "days": _by_day(sorted(bubbles, key=lambda bubble: bubble.at), ZoneInfo(self.rt.settings.time_zone), now),
            "case": case,
            "possible_opt_out": possible_opt_out,
            "unread_until": unread.latest_at if unread else None,
            "is_bot_talking": session_id is not None and case is None,
            "flows": [(row.id, row.name) for row in flows],
            "is_open": is_window_open(talk.last_inbound_at, now),
            "window_seconds": (closes_at - now).total_seconds() if closes_at else 0,
            "earlier": messages[MAX_MESSAGES - 1].id if len(messages) > MAX_MESSAGES else None,
            "parts": PARTS,
        }


def _cases_without_words(session: Session, show: str) -> list[Case]:
    """The open cases of people with whom nobody has exchanged a message, newest first: no conversation shows them."""
    talked = exists().where(Conversation.contact_id == Case.contact_id, Conversation.last_message_at.is_not(None))
    query = select(Case).where(~talked, *CASE_FILTERS[show]).options(joinedload(Case.contact))
    before = positive("cases_before")
    query = query.where(Case.id < before) if before else query
    return list(session.scalars(query.order_by(Case.id.desc()).limit(PAGE_ROWS + 1)))


def _last_message(session: Session, conversation_id: int) -> Any:
    query = select(Message.direction, Message.body, Message.type).where(Message.conversation_id == conversation_id)
    return session.execute(query.order_by(Message.at.desc(), Message.id.desc()).limit(1)).first()


def _bubble(message: Message) -> ChatBubble:
    is_out = message.direction is Direction.OUT
    text = (None if is_out else form_text(message.payload)) or message.body or f"[{message.type}]"
    buttons = _button_titles(message.payload) if is_out else []
    if buttons:
        text += "\n" + "\n".join(f"▸ {title}" for title in buttons)
    if not is_out:
        return ChatBubble(False, text, message.at, "", False, "")
    note = words.MESSAGE[message.state.value]
    if message.read_at:
        note = "read"
    elif message.delivered_at:
        note = "delivered"
    elif message.failed_at and message.error_msg:
        note = f"failed: {show_stored(message.error_msg)}"
    is_bad = message.state.value in {"refused", "not_sent"} or bool(message.failed_at and not message.delivered_at)
    if is_bad and message.error_msg:
        note = show_stored(message.error_msg)
    return ChatBubble(True, text, message.at, note, is_bad, "bot" if message.author == "bot" else message.author or "")


def _button_titles(payload: Any) -> list[str]:
    action = ((payload or {}).get("interactive") or {}).get("action") or {}
    titles = [str((button.get("reply") or {}).get("title", "")) for button in action.get("buttons") or []]
    for section in action.get("sections") or []:
        titles += [str(row.get("title", "")) for row in section.get("rows") or []]
    return [title for title in titles if title]


def _campaign_bubbles(session: Session, talk: Conversation) -> list[ChatBubble]:
    """The campaign messages that this contact got from this number: they are not stored as messages of the chat."""
    sent_states = (RecipientState.ACCEPTED, RecipientState.HELD, RecipientState.UNSURE)
    rows = session.execute(
        select(Recipient, Campaign.name)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(
            Recipient.contact_id == talk.contact_id,
            Campaign.number_id == talk.number_id,
            Recipient.state.in_(sent_states),
        )
        .order_by(Recipient.id.desc())
        .limit(20)
    )
    bubbles = []
    for recipient, name in rows:
        at = recipient.accepted_at or recipient.unsure_at or recipient.claimed_at
        if at is not None:
            bubbles.append(
                ChatBubble(True, f"Campaign: {name}", at, recipient.status.replace("_", " "), False, "campaign")
            )
    return bubbles


def _by_day(bubbles: list[ChatBubble], zone: ZoneInfo, now: datetime) -> list[tuple[str, list[ChatBubble]]]:
    today = now.astimezone(zone).date()
    days: list[tuple[str, list[ChatBubble]]] = []
    for bubble in bubbles:
        day = bubble.at.astimezone(zone).date()
        name = "Today" if day == today else f"{day.day} {day:%B}" + ("" if day.year == today.year else f" {day.year}")
        if not days or days[-1][0] != name:
            days.append((name, []))
        days[-1][1].append(bubble)
    return days


def _parse_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
