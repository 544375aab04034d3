"""Stores inbound messages once, opens their 24 h windows, attributes replies, and applies STOP and START.

A batch takes a few statements in the caller's transaction; only new senders cost more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.contacts.consent import MESSAGE_PROOF, opt_in_again, opt_out
from models.conversations.cases import await_agents
from models.conversations.control import Evidence, note_delivered, record_control
from models.conversations.possible_opt_outs import clear_possible_opt_outs, mark_possible_opt_outs
from models.conversations.unread import mark_unread
from models.db.bulk import values_cte
from models.db.dialect import insert_into
from models.events.messages.attribution import AttributedReply, Attribution, attribute_replies, mark_replied
from models.events.messages.conversations import open_conversations
from models.events.messages.double_opt_in import confirm_pending, mark_as_start
from models.events.messages.echoes import answered_in_the_app
from models.events.messages.edits import apply_edits
from models.events.messages.known import our_numbers, stored_wamids
from models.events.messages.link_answers import answer_link_codes
from models.events.messages.link_codes import take_link_codes
from models.events.messages.offered import Offers, choices_on_offer
from models.events.messages.senders import resolve_senders
from models.events.messages.taps import record_taps
from models.events.messages.template_buttons import opt_outs_by_place
from models.events.types import ABOUT_THE_CHAT, NOT_FOR_BOTS, InboundMessage, OptOutWord
from models.results.opt_outs import CampaignOptOut, record_opt_outs
from models.tables.conversation import (
    CHOOSES,
    OPTED_OUT,
    REFERS,
    STANDBY,
    Direction,
    Message,
    MessageState,
)
from models.tables.recipient_opt_out import OptOutWay

BUTTONS = frozenset({"button", "interactive"})
"""Types of messages that are the press of a button: of a template, or of a bot's message."""

# Plain tables: many rows then travel in few statements that are compiled once.
_MESSAGE = Message.__table__


@dataclass(slots=True)
class InboundResult:
    """Counts of a batch: `repeated` messages were stored before."""

    stored: int = 0
    repeated: int = 0
    link_codes: int = 0
    """Messages that linked a phone for chat-ops, or tried to; they are not stored."""
    strangers: int = 0
    """Messages to numbers that are not ours."""
    conversations: list[int] = field(default_factory=list)
    """The ids of the conversations in which a message waits for an answer."""


def store_inbound(
    session: Session,
    messages: Sequence[InboundMessage],
    now: datetime,
    installation: str,
    offers: Offers | None = None,
) -> InboundResult:
    """Store a batch in the order of Meta's time. `installation` is our id, which buttons of our campaigns carry.

    `offers` tells whether a running bot flow offers a word as an option; without it none does.
    """
    result = InboundResult()
    numbers = our_numbers(session, {message.phone_number_id for message in messages})
    ours = list({message.wamid: message for message in messages if message.phone_number_id in numbers}.values())
    result.strangers = sum(message.phone_number_id not in numbers for message in messages)
    known = stored_wamids(session, [message.wamid for message in ours])
    new_messages = sorted((item for item in ours if item.wamid not in known), key=lambda item: (item.at, item.wamid))
    result.repeated = len(ours) - len(new_messages)
    taken = take_link_codes(session, new_messages, now, installation)
    result.link_codes, new_messages = taken.taken, taken.rest
    result.conversations = answer_link_codes(session, taken.used, numbers, now)
    if not new_messages:
        return result
    contacts = resolve_senders(
        session, new_messages, [numbers[message.phone_number_id][1] for message in new_messages], now
    )
    new_messages = [item for item in new_messages if item.wamid in contacts]
    if not new_messages:
        return result
    replies = [AttributedReply(item, contacts[item.wamid], numbers[item.phone_number_id][0]) for item in new_messages]
    conversations = open_conversations(session, replies, now)
    targets = attribute_replies(session, replies, installation)
    choices = choices_on_offer(session, replies, targets, offers) if offers is not None else set()
    words = _words(replies, opt_outs_by_place(session, replies, targets, installation), choices)
    inserted = _insert(session, replies, conversations, targets, words, choices, now)
    replies = [item for item in replies if item.message.wamid in inserted]
    result.repeated += len(new_messages) - len(replies)
    result.stored = len(replies)
    _apply_opt_outs(session, replies, words)
    record_opt_outs(session, _opt_outs(replies, targets, words))
    mark_possible_opt_outs(session, _doubtful(replies, words, choices), now)
    confirm_pending(session, replies)
    mark_replied(session, _replies(replies, targets))
    record_taps(session, replies, targets, installation)
    _update_contacts(session, replies)
    _note_responders(session, replies, conversations, now)
    _await_agents(session, replies, conversations)
    mark_unread(
        session,
        [conversations[item.contact_id, item.number_id] for item in replies if _is_for_people(item.message)],
        now,
    )
    apply_edits(session, replies, conversations)
    waiting = {conversations[item.contact_id, item.number_id] for item in replies if _needs_answer(item.message)}
    result.conversations = sorted(waiting | set(result.conversations))
    return result


def _words(
    replies: Sequence[AttributedReply], by_place: Mapping[str, bool], choices: set[str]
) -> dict[str, OptOutWord | None]:
    """What each message does to consent, by wamid: a button by its place if that says it, other messages by their words."""
    words: dict[str, OptOutWord | None] = {}
    for item in replies:
        wamid = item.message.wamid
        if wamid in by_place:
            words[wamid] = "stop" if by_place[wamid] else None
        else:
            words[wamid] = None if wamid in choices else item.message.word
    return words


def _doubtful(
    replies: Sequence[AttributedReply], words: Mapping[str, OptOutWord | None], choices: set[str]
) -> list[str]:
    return [
        item.message.wamid
        for item in replies
        if item.message.may_mean_stop and words[item.message.wamid] is None and item.message.wamid not in choices
    ]


def _needs_answer(message: InboundMessage) -> bool:
    return message.type not in NOT_FOR_BOTS and not message.is_standby


def _is_for_people(message: InboundMessage) -> bool:
    """Whether a person said something that no bot is asked about: Meta could not pass it on."""
    return message.type in NOT_FOR_BOTS and message.type not in ABOUT_THE_CHAT and not message.is_standby


def _insert(
    session: Session,
    replies: Sequence[AttributedReply],
    conversations: dict[tuple[int, int], int],
    targets: dict[str, Attribution],
    words: Mapping[str, OptOutWord | None],
    choices: set[str],
    now: datetime,
) -> set[str]:
    """Insert the messages; returns the wamids that were new: another consumer may have stored the same ones meanwhile."""
    rows = [
        {
            "conversation_id": conversations[item.contact_id, item.number_id],
            "direction": Direction.IN,
            "state": MessageState.RECEIVED,
            "type": item.message.type,
            "body": item.message.text,
            "payload": item.message.payload,
            "at": item.message.at,
            "wamid": item.message.wamid,
            "context_wamid": item.message.context_wamid,
            "button_payload": item.message.button_payload,
            "recipient_id": target.recipient_id if target else None,
            "route": _first_route(
                item.message, target, words[item.message.wamid], is_choice=item.message.wamid in choices
            ),
            "handled_at": None if _needs_answer(item.message) else now,
            "attempts": 0,
        }
        for item, target in ((item, targets.get(item.message.wamid)) for item in replies)
    ]
    statement = insert_into(session, _MESSAGE).on_conflict_do_nothing(index_elements=["wamid"])
    return set(session.scalars(statement.returning(_MESSAGE.c.wamid), rows))


def _first_route(
    message: InboundMessage, target: Attribution | None, word: OptOutWord | None, *, is_choice: bool
) -> str | None:
    if message.is_standby:
        return STANDBY
    if word == "stop" and _needs_answer(message):
        return OPTED_OUT
    if is_choice:
        return CHOOSES
    return REFERS if target and target.is_reference and _needs_answer(message) else None


def _apply_opt_outs(
    session: Session, replies: Sequence[AttributedReply], words: Mapping[str, OptOutWord | None]
) -> None:
    """Apply STOP and START, each at the time of its message. A START that opts nobody in stays a message for a bot flow."""
    starts = []
    for item in replies:
        message = item.message
        proof = f"{MESSAGE_PROOF}{message.wamid}"
        word = words[message.wamid]
        if word == "stop":
            source = "whatsapp stop word" if message.word == "stop" else "whatsapp opt-out button"
            opt_out(session, item.contact_id, message.at, source, proof)
            clear_possible_opt_outs(session, item.contact_id)
        elif word == "start" and opt_in_again(session, item.contact_id, message.at, "whatsapp start word", proof):
            starts.append(message.wamid)
    mark_as_start(session, starts)


def _opt_outs(
    replies: Sequence[AttributedReply], targets: Mapping[str, Attribution], words: Mapping[str, OptOutWord | None]
) -> list[CampaignOptOut]:
    """Who asks for an end in answer to a campaign, whether or not their consent ended before."""
    found = []
    for item in replies:
        target = targets.get(item.message.wamid)
        if target is not None and words[item.message.wamid] == "stop":
            way = OptOutWay.BUTTON if item.message.type in BUTTONS else OptOutWay.STOP_WORD
            found.append(CampaignOptOut(target.recipient_id, way, item.message.at))
    return found


def _note_responders(
    session: Session, replies: Sequence[AttributedReply], conversations: dict[tuple[int, int], int], now: datetime
) -> None:
    """Store who has each conversation: another responder if the message was only shown to us, else we."""
    delivered: dict[int, datetime] = {}
    shown: dict[int, datetime] = {}
    for item in replies:  # in the order of time
        if item.message.type != "system":
            times = shown if item.message.is_standby else delivered
            times[conversations[item.contact_id, item.number_id]] = item.message.at
    for conversation_id, at in sorted(shown.items()):
        record_control(session, conversation_id, Evidence.STANDBY, at, now)
    note_delivered(session, delivered)


def _await_agents(
    session: Session, replies: Sequence[AttributedReply], conversations: dict[tuple[int, int], int]
) -> None:
    """Let cases wait whose person wrote to us, unless the phone app has answered that already: then this came late."""
    waiting = [item for item in replies if item.message.type not in ABOUT_THE_CHAT and not item.message.is_standby]
    last_words = {conversations[item.contact_id, item.number_id]: item.message.at for item in waiting}
    answered = answered_in_the_app(session, last_words)
    await_agents(session, [item.contact_id for item in waiting if item.contact_id not in answered])


def _replies(replies: Sequence[AttributedReply], targets: dict[str, Attribution]) -> dict[int, datetime]:
    replied: dict[int, datetime] = {}
    for item in replies:  # in the order of time
        target = targets.get(item.message.wamid)
        if target is not None and item.message.type not in ABOUT_THE_CHAT:
            replied.setdefault(target.recipient_id, item.message.at)
    return replied


def _update_contacts(session: Session, replies: Sequence[AttributedReply]) -> None:
    """Store when each contact last wrote, and reset its count of undeliverable messages: it is on WhatsApp."""
    last: dict[int, datetime] = {}
    for item in replies:
        if item.message.type != "system":  # written by WhatsApp, not by the person
            last[item.contact_id] = item.message.at
    if last:
        values, parameters = values_cte(session, "v", {"id": "bigint", "at": "timestamptz"}, sorted(last.items()))
        statement = (
            f"WITH {values} UPDATE contact AS c SET undeliverable_count = 0, "  # noqa: S608 - no value is in the text
            "last_inbound_at = CASE WHEN c.last_inbound_at IS NULL OR v.at > c.last_inbound_at "
            "THEN v.at ELSE c.last_inbound_at END FROM v WHERE c.id = v.id"
        )
        session.execute(text(statement), parameters)
