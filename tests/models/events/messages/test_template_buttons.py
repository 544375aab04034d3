"""The pressed button of a campaign's message opts out by its place in the template, never by its words."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.callback_data import button_payload, read_button
from models.conversations.possible_opt_outs import count_possible_opt_outs
from models.events.types import InboundMessage
from models.tables.cohort import Cohort
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from models.templates.opt_out_buttons import quick_replies
from tests.support.factories.campaigns import make_campaign, make_recipient, make_template
from tests.support.factories.contacts import alice
from tests.support.inbound_messages import MINE, SAID_AT, recorded, store, stored

TITLES = ("Tell me more", "Not for me")
NAME = "template_button"


def _sent(
    session: Session,
    number: Number,
    titles: tuple[str, ...] = TITLES,
    *,
    recognized: list[str] | None = None,
    chosen: list[str] | None = None,
) -> tuple[Contact, Recipient]:
    buttons = [{"type": "QUICK_REPLY", "text": title} for title in titles]
    components = [{"type": "BODY", "text": "Spring"}, {"type": "BUTTONS", "buttons": buttons}]
    template = make_template(session, number, components=components, opt_out_buttons=recognized)
    campaign = make_campaign(session, number, template, opt_out_buttons=chosen)
    person = alice(session)
    row = make_recipient(
        session, campaign, person, state=RecipientState.ACCEPTED, wamid="wamid.campaign", accepted_at=SAID_AT
    )
    session.expire(row)
    return person, row


def _press(row: Recipient, title: str, index: int | None, **values: Any) -> InboundMessage:
    """The press of one of our buttons; without an index of one whose payload is its title."""
    payload = title if index is None else button_payload(MINE, row.id, index)
    given: dict[str, Any] = {"context_wamid": "wamid.campaign" if index is None else None, "word": None}
    given |= {"text": title, "button_payload": payload, "pressed": read_button(payload), "confirms": False}
    return recorded(NAME, **(given | values))


@pytest.mark.parametrize("index", [1, None])
@pytest.mark.parametrize(("recognized", "chosen"), [(["1"], None), (["0"], ["1"])])
def test_the_button_at_the_place_opts_out_whatever_it_says(
    session: Session, number: Number, recognized: list[str], chosen: list[str] | None, index: int | None
) -> None:
    person, row = _sent(session, number, recognized=recognized, chosen=chosen)
    store(session, _press(row, "Not for me", index))
    session.refresh(person)
    assert person.consent is Consent.UNSUBSCRIBED
    assert stored(session, NAME).route == "stop"
    [event] = session.scalars(select(ConsentEvent).where(ConsentEvent.after == Consent.UNSUBSCRIBED))
    assert event.source == "whatsapp opt-out button"


def test_a_button_at_another_place_does_nothing_and_is_shown_to_a_human_if_it_reads_like_a_stop(
    session: Session, number: Number
) -> None:
    person, row = _sent(session, number, ("Alto", "Bajo"), recognized=["0"], chosen=[])
    store(session, _press(row, "Alto", 0, word="stop", may_mean_stop=True))
    session.refresh(person)
    assert person.consent is Consent.SUBSCRIBED
    assert stored(session, NAME).route == "reference"
    assert count_possible_opt_outs(session) == 1


def test_a_template_that_was_not_read_since_is_judged_by_its_words(session: Session, number: Number) -> None:
    person, row = _sent(session, number, ("More", "Stop promotions"))
    store(session, _press(row, "Stop promotions", 1, word="stop", may_mean_stop=True))
    session.refresh(person)
    assert (person.consent, stored(session, NAME).route) == (Consent.UNSUBSCRIBED, "stop")
    assert count_possible_opt_outs(session) == 0


def test_a_button_of_a_template_that_changed_after_the_message_is_found_by_its_title(
    session: Session, number: Number
) -> None:
    person, row = _sent(session, number, ("Not for me", "Tell me more"), recognized=["0"])
    store(session, _press(row, "Tell me more", 0))
    session.refresh(person)
    assert person.consent.value == "subscribed"
    store(session, _press(row, "Not for me", 1, wamid="wamid.in.second"))
    session.refresh(person)
    assert person.consent is Consent.UNSUBSCRIBED


def test_the_press_of_another_installations_button_is_judged_by_its_words(session: Session, number: Number) -> None:
    person, row = _sent(session, number, recognized=["1"])
    payload = button_payload("other", row.id, 1)
    store(
        session,
        _press(row, "Not for me", None, button_payload=payload, pressed=read_button(payload), context_wamid=None),
    )
    session.refresh(person)
    assert person.consent is Consent.SUBSCRIBED


def test_a_card_s_button_opts_out_by_its_own_place_and_is_never_taken_for_one_of_the_message(
    session: Session, number: Number
) -> None:
    cards = [
        {"components": [{"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": title}]}]} for title in TITLES
    ]
    components = [
        {"type": "BODY", "text": "Spring"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Not for me"}]},
        {"type": "CAROUSEL", "cards": cards},
    ]
    assert quick_replies(components) == {"0": "Not for me", "0.0": "Tell me more", "1.0": "Not for me"}
    template = make_template(session, number, components=components, opt_out_buttons=["0", "1.0"])
    campaign = make_campaign(session, number, template)
    person = alice(session)
    row = make_recipient(session, campaign, person, state=RecipientState.ACCEPTED, wamid="w", accepted_at=SAID_AT)
    for card, title, consent in ((0, "Tell me more", Consent.SUBSCRIBED), (1, "Not for me", Consent.UNSUBSCRIBED)):
        payload = button_payload(MINE, row.id, 0, card)
        press = recorded(
            NAME, wamid=f"wamid.{card}", text=title, button_payload=payload, pressed=read_button(payload),
            context_wamid=None, word=None, confirms=False,
        )  # fmt: skip
        store(session, press)
        session.refresh(person)
        assert person.consent is consent


def test_the_buttons_are_those_of_the_language_that_the_person_got(session: Session, number: Number) -> None:
    person, row = _sent(session, number, recognized=["0"])
    template = make_template(
        session,
        number,
        language="es",
        components=[
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": title} for title in ("Más", "Basta")]}
        ],
        opt_out_buttons=["1"],
    )
    cohort = Cohort(campaign_id=row.campaign_id, position=1, template_id=template.id, created_at=SAID_AT)
    session.add(cohort)
    session.flush()
    row.cohort_id = cohort.id
    store(session, _press(row, "Basta", 1))
    session.refresh(person)
    assert person.consent is Consent.UNSUBSCRIBED
