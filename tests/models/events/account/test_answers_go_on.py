"""What a restriction of messages leaves: people who write are answered, unless answers are restricted as well."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.campaigns.pause import lift_number, stop_numbers
from models.conversations.outbox import claim_next
from models.stored_texts import REFUSED
from models.tables.audit import META
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.conversation import Direction, Message, MessageState
from models.tables.number import Number
from models.text import Text
from tests.support.account_webhooks import after, apply, recorded
from tests.support.factories.campaigns import make_lane
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.factories.conversations import make_conversation

BEGUN, ANSWERS = "RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"


def restrict(session: Session, hours: float, *kinds: str, **more: Any) -> None:
    event = recorded("account_restriction", after(hours))
    items = [{"restriction_type": kind} for kind in kinds]
    event.value.clear()
    event.value.update({"event": "ACCOUNT_RESTRICTION", "restriction_info": items} | more)
    apply(session, event)
    session.expire_all()


def is_answered(session: Session, number: Number) -> bool:
    """Whether a queued answer of the number is claimed now."""
    conversation = make_conversation(session, alice(session), number)
    message = Message(
        conversation_id=conversation.id,
        direction=Direction.OUT,
        state=MessageState.QUEUED,
        type="text",
        payload={"type": "text", "text": {"body": "Hi."}},
        at=NOW,
        due_at=NOW,
    )
    session.add(message)
    session.flush()
    return bool(claim_next(session, [conversation.id], make_lane(session).id, NOW))


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("kinds", "answers"),
    [((BEGUN,), True), (("SOMETHING_NEW",), True), ((ANSWERS,), False), ((BEGUN, ANSWERS), False)],
)
def test_answers_go_on_unless_they_are_restricted(
    session: Session, number: Number, campaign: Campaign, kinds: tuple[str, ...], answers: bool, named: bool
) -> None:
    restrict(session, 0, *kinds, **({"phone_number": number.display_phone} if named else {}))
    assert campaign.status is CampaignStatus.PAUSED
    assert not number.may_send(NOW)
    assert is_answered(session, number) is answers


@pytest.mark.parametrize("named", [True, False])
def test_a_further_restriction_holds_answers_and_a_milder_one_lets_them_go(
    session: Session, number: Number, named: bool
) -> None:
    more = {"phone_number": number.display_phone} if named else {}
    restrict(session, 0, BEGUN, **more)
    assert number.answers_go_on is True
    restrict(session, 1, ANSWERS, **more)
    assert (number.answers_go_on, number.stopped_at) == (False, NOW)
    restrict(session, 2, BEGUN, **more)
    assert number.answers_go_on is True


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("order", [(BEGUN, ANSWERS), (ANSWERS, BEGUN)])
def test_of_two_restrictions_of_one_second_the_one_of_answers_holds_them(
    session: Session, number: Number, order: tuple[str, str], named: bool
) -> None:
    for kind in order:
        restrict(session, 0, kind, **({"phone_number": number.display_phone} if named else {}))
    assert number.answers_go_on is False


def test_answers_of_a_number_that_goes_on_and_is_stopped_again_are_judged_anew(
    session: Session, number: Number
) -> None:
    restrict(session, 0, BEGUN, phone_number=number.display_phone)
    assert lift_number(session, number, after(1), NOW)
    session.flush()
    stop_numbers(session, [number.id], PauseReason.TOKEN_REFUSED, REFUSED(text=Text("No.")), NOW, META)
    session.expire_all()
    assert not is_answered(session, number)


def test_a_refusal_that_stops_the_number_stops_its_answers_too(session: Session, number: Number) -> None:
    restrict(session, 0, BEGUN, phone_number=number.display_phone)
    detail = REFUSED(text=Text("The account is locked."))
    stop_numbers(session, [number.id], PauseReason.NUMBER_RESTRICTED, detail, NOW, META)
    session.expire_all()
    assert (number.answers_go_on, number.stopped_reason) == (False, detail.stored())
    assert not lift_number(session, number, after(9), NOW), "it is not Meta's restriction any more"
