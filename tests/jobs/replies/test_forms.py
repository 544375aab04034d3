"""A form that a person filled in (Meta's "Flow") answers the question that asks for it, and fills texts and attributes."""

import json
from typing import Any

from models.campaigns.export import COLUMNS, export_rows
from models.tables.contact import Contact
from models.tables.conversation import Conversation, Message
from tests.support.chat_rig import Chat

RATED = """
name: rated
start: check
nodes:
  check:
    type: branch
    cases: [{when: {form: rating, is: excellent}, next: keep}]
    otherwise: sorry
  keep: {type: set, attributes: {rating: "{form.rating}"}, next: thanks}
  thanks: {type: end, text: "{form.rating}, thank you! You wrote: {form.comment|nothing}."}
  sorry: {type: end, text: "Sorry: {input}"}
"""
ASKING = """
name: asking
start: q
nodes:
  q: {type: ask, text: "Fill it in.", expect: form, save_as: answer, error: "The form, please.", next: e}
  e: {type: end, text: "Noted: {answers.answer} ({form.size})"}
"""


def _send(chat: Chat, conversation_id: int, answers: dict[str, Any]) -> int:
    """The person sends a form back."""
    text = " · ".join(f"{name}: {value}" for name, value in answers.items())
    message_id = chat.says(conversation_id, text, kind="interactive")
    reply = {"name": "flow", "body": "Sent", "response_json": json.dumps(answers)}
    with chat.rt.database.write() as session:
        message = session.get_one(Message, message_id)
        message.payload = {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}
    return message_id


def _attributes(chat: Chat, conversation_id: int) -> dict[str, Any]:
    with chat.rt.database.read() as session:
        contact_id = session.get_one(Conversation, conversation_id).contact_id
        return session.get_one(Contact, contact_id).attributes


def test_a_form_begins_the_campaigns_flow_which_branches_and_keeps_its_answers(chat: Chat) -> None:
    ann, bea = chat.conversation("+34600010001"), chat.conversation("+34600010002")
    flow_id = chat.flow(RATED)
    for person in (ann, bea):
        chat.campaign(person, flow_id)
    _send(chat, ann, {"rating": "Excellent", "comment": "Very good"})
    assert chat.answer() == ["Excellent, thank you! You wrote: Very good."]
    _send(chat, bea, {"rating": "Poor"})
    assert chat.answer()[1:] == ["Sorry: rating: Poor"]
    assert (_attributes(chat, ann).get("rating"), _attributes(chat, bea)) == ("Excellent", {})


def test_only_a_form_answers_the_question_that_asks_for_one(chat: Chat) -> None:
    ann = chat.conversation()
    chat.flow(ASKING, is_fallback=True)
    chat.says(ann, "hello")
    chat.answer()
    chat.says(ann, "size M")
    assert chat.answer()[1:] == ["The form, please."]
    _send(chat, ann, {"size": "M"})
    assert chat.answer()[2:] == ["Noted: size: M (M)"]


def test_the_campaigns_export_has_the_last_form_of_each_person(chat: Chat) -> None:
    ann, bea = chat.conversation("+34600010001"), chat.conversation("+34600010002")
    campaign_id, _, _ = chat.campaign(ann, None)
    chat.campaign(bea, None)
    _send(chat, ann, {"rating": "Poor"})
    _send(chat, ann, {"rating": "Excellent", "comment": "Ño"})
    with chat.rt.database.read() as session:
        [row] = export_rows(session, campaign_id)
        cells = dict(zip(COLUMNS, row.cells, strict=True))
        assert cells["form_reply"] == '{"rating": "Excellent", "comment": "Ño"}'
