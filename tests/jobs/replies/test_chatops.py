"""Chat-ops: what staff text to the number, and what anybody else gets for it."""

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select

from bot.opt_out_words import opt_out_intent
from jobs.core.queues import ANSWER, CHORES, queue
from jobs.replies.chatops import run_confirmed_command
from models.clock import utcnow
from models.tables.audit import Audit
from models.tables.campaign import CampaignStatus
from models.tables.user import Role, User
from tests.support.chat_rig import Chat

pytestmark = pytest.mark.sqlite_unless_proved

STAFF = "+34600010001"


def staff(chat: Chat, role: Role = Role.MANAGER, *, is_verified: bool = True) -> int:
    """A member of staff, and their chat with the number."""
    with chat.rt.database.write() as session:
        session.add(
            User(
                email="ann@example.com",
                password_hash="-",
                role=role,
                session_key="k",
                phone=STAFF,
                phone_verified_at=utcnow() if is_verified else None,
                created_at=utcnow(),
            )
        )
    return chat.conversation(STAFF)


def under_way(chat: Chat) -> int:
    """A campaign that is being sent to somebody."""
    return chat.campaign(chat.conversation(), None)[0]


def confirm(chat: Chat, ann: int, title: str) -> int:
    return chat.says(ann, title, payload=chat.meta.buttons[title])


def test_staff_are_told_what_is_under_way_and_how_it_goes(chat: Chat) -> None:
    ann, campaign_id = staff(chat), under_way(chat)
    asked = chat.says(ann, "/campaigns")
    assert chat.answer() == [f"{campaign_id} Spring: active"]
    assert chat.message(asked).route == "chat_ops"
    chat.says(ann, f"/stats {campaign_id}")
    assert chat.answer()[-1].startswith(f"{campaign_id} Spring: active\neligible 1")
    chat.says(ann, "/stats 999")
    assert chat.answer()[-1] == "There is no campaign 999."


def test_a_pause_asks_first_and_is_audited(chat: Chat) -> None:
    ann, campaign_id = staff(chat), under_way(chat)
    chat.says(ann, f"/pause {campaign_id}")
    assert chat.answer() == [f"Pause campaign {campaign_id} (Spring)?"]
    assert chat.campaign_row(campaign_id).status is CampaignStatus.ACTIVE
    confirm(chat, ann, "Pause")
    chat.answer()
    worker = SimpleWorker([queue(chat.rt.redis, CHORES)], connection=chat.rt.redis, serializer=JSONSerializer)
    worker.work(burst=True)
    assert chat.campaign_row(campaign_id).status is CampaignStatus.PAUSED
    assert chat.answer()[-1] == f"Campaign {campaign_id} is paused."
    with chat.rt.database.read() as session:
        audit = session.scalars(select(Audit)).one()
        assert (audit.actor, audit.action, audit.object_id) == ("ann@example.com", "pause", str(campaign_id))


def test_a_button_pressed_twice_acts_once(chat: Chat) -> None:
    ann, campaign_id = staff(chat), under_way(chat)
    chat.says(ann, f"/end {campaign_id}")
    chat.answer()
    first, second = confirm(chat, ann, "End"), confirm(chat, ann, "End")
    chat.answer()
    run_confirmed_command(first)
    run_confirmed_command(second)
    assert chat.campaign_row(campaign_id).status is CampaignStatus.ENDED
    texts = chat.answer()[-2:]
    assert texts[0] == f"Campaign {campaign_id} has ended."
    assert "it is ended" in texts[1]


def test_whoever_thinks_better_of_it_changes_nothing(chat: Chat) -> None:
    ann, campaign_id = staff(chat), under_way(chat)
    chat.says(ann, f"/end {campaign_id}")
    chat.answer()
    confirm(chat, ann, "No")
    assert chat.answer()[-1] == "Nothing was changed."
    assert queue(chat.rt.redis, CHORES).count == 0


def test_what_cannot_be_done_is_said_before_it_is_asked(chat: Chat) -> None:
    ann, campaign_id = staff(chat), under_way(chat)
    chat.says(ann, f"/resume {campaign_id}")
    assert chat.answer() == [f"Campaign {campaign_id} is active."]


def test_an_agent_may_look_but_not_change(chat: Chat) -> None:
    ann, campaign_id = staff(chat, Role.AGENT), under_way(chat)
    chat.says(ann, f"/pause {campaign_id}")
    assert chat.answer() == ["Your role (agent) may look, not change."]


@pytest.mark.parametrize("is_verified", [True, False])
def test_others_get_no_answer(chat: Chat, is_verified: bool) -> None:
    campaign_id = under_way(chat)
    somebody = chat.conversation("+34600010009") if is_verified else staff(chat, is_verified=False)
    message = chat.says(somebody, f"/pause {campaign_id}")
    pressed = chat.says(somebody, "End", payload=f"ops:end:{campaign_id}:{int(utcnow().timestamp())}")
    assert chat.answer() == []
    assert {chat.message(message).route, chat.message(pressed).route} == {"nothing"}
    run_confirmed_command(pressed)
    assert chat.campaign_row(campaign_id).status is CampaignStatus.ACTIVE


def test_half_a_command_is_explained_and_is_no_stop_word(chat: Chat) -> None:
    ann = staff(chat)
    chat.says(ann, "/end")
    assert chat.answer()[0].startswith("I know: /campaigns")
    assert opt_out_intent("/end") is None
    assert opt_out_intent("end") == "stop"
    assert opt_out_intent("/stop") == "stop"


def test_what_came_of_a_command_is_sent_by_a_wake_up(chat: Chat) -> None:
    ann, campaign_id = staff(chat), under_way(chat)
    chat.says(ann, f"/end {campaign_id}")
    chat.answer()
    run_confirmed_command(confirm(chat, ann, "End"))
    assert queue(chat.rt.redis, ANSWER).count == 1
