"""Routes of the inbox: the list of conversations and one chat, which an agent answers inside the 24 h window."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from admin.operations import inbox as talks
from admin.operations.cases import close_case_of_contact
from admin.panel.base import action, back, page, positive, sentence
from admin.panel.inbox.chat import by_day, read_chat
from admin.panel.inbox.entries import read_entries
from admin.panel.inbox.moments import read_moment, shown_until
from admin.panel.inbox.possible_opt_outs import PossibleOptOutRoutes, shown_possible_opt_out
from models.clock import utcnow
from models.conversations.messages import is_window_open
from models.errors import OperatorError
from models.tables.conversation import WINDOW, Case, Conversation, UnreadReply
from models.tables.conversation_control import ConversationControl, Responder
from models.tables.flow import Flow, FlowSession, SessionStatus
from models.tables.user import Role

PARTS = ("chat",)


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
        return self._page(conversation_id)

    @page("/<int:conversation_id>/live")
    def live(self, conversation_id: int) -> ResponseReturnValue:
        """The chat as an HTML fragment."""
        context = self._chat(conversation_id)
        return {"parts": {"chat": render_template("panel/inbox/chat.html", **context)}, "done": False}

    @action("/<int:conversation_id>/answer", Role.AGENT)
    def answer(self, conversation_id: int) -> ResponseReturnValue:
        """Send a message; the conversation is assigned to the agent. A refused text stays in the form."""
        text, held_by = request.form.get("text", "").replace("\r\n", "\n"), request.form.get("held_by", "")
        try:
            talks.send_answer(self.rt, conversation_id, text, self.me.email, held_by)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return self._page(conversation_id, draft=text), 400
        return back(".show", conversation_id=conversation_id)

    @action("/<int:conversation_id>/take", Role.AGENT)
    def take(self, conversation_id: int) -> ResponseReturnValue:
        """Assign the case to this agent, or open one."""
        held_by = request.form.get("held_by", "")
        self.attempt(
            "It is yours: no bot and no campaign writes here.",
            lambda: talks.take_conversation(self.rt, conversation_id, self.me.email, held_by),
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
        until = shown_until()
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

    def _page(self, conversation_id: int, draft: str = "") -> str:
        return self.render("panel/inbox.html", draft=draft, **self._list(), **self._chat(conversation_id))

    def _list(self) -> dict[str, Any]:
        show, before = request.args.get("show", ""), read_moment(request.args.get("before", ""))
        with self.rt.database.read() as session:
            entries = read_entries(session, show, before, positive("cases_before"), utcnow())
        last_at = entries.following
        following = url_for(".index", show=show or None, before=last_at.isoformat()) if last_at else None
        return {
            "talks": entries.talks,
            "cases": entries.cases,
            "last": entries.last,
            "unread": entries.unread,
            "may_stop": entries.may_stop,
            "elsewhere": entries.elsewhere,
            "show": show,
            "following": following,
            "silent": entries.silent,
            "silent_before": entries.silent_before,
            "me": self.me,
        }

    def _chat(self, conversation_id: int) -> dict[str, Any]:
        with self.rt.database.read() as session:
            options = (joinedload(Conversation.contact), joinedload(Conversation.number))
            talk = session.get(Conversation, conversation_id, options=options)
            if talk is None:
                abort(404)
            chat = read_chat(session, talk, positive("earlier"))
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
            control = session.get(ConversationControl, conversation_id)
            flows = session.execute(select(Flow.id, Flow.name).order_by(Flow.name)).all()
        now = utcnow()
        closes_at = talk.last_inbound_at + WINDOW if talk.last_inbound_at else None
        return {
            "talk": talk,
            "days": by_day(chat.bubbles, ZoneInfo(self.rt.settings.time_zone), now),
            "case": case,
            "possible_opt_out": possible_opt_out,
            "unread_until": unread.latest_at if unread else None,
            "control": control,
            "is_elsewhere": control is not None and control.responder is Responder.OTHER,
            "is_bot_talking": session_id is not None and case is None,
            "flows": [(row.id, row.name) for row in flows],
            "is_open": is_window_open(talk.last_inbound_at, now),
            "window_seconds": (closes_at - now).total_seconds() if closes_at else 0,
            "earlier": chat.earlier,
            "parts": PARTS,
        }
