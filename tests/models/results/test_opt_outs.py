"""Who asks for an end in answer to a campaign counts for it once, whatever comes first; nobody else does."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.meta.callback_data import button_payload, read_button
from models.campaigns.stats import campaign_stats
from models.contacts.consent import set_consent
from models.events.types import InboundMessage
from models.privacy.data_export import export_person
from models.results.opt_outs import CampaignOptOut, record_opt_outs
from models.tables.contact import Consent
from models.tables.recipient import Recipient, RecipientState
from models.tables.recipient_opt_out import OptOutWay, RecipientOptOut
from tests.support.account_webhooks import apply
from tests.support.account_webhooks import recorded as recorded_change
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.inbound_messages import MINE, SAID_AT, at, recorded, store
from tests.support.message_formats import BY_NAME


def _sent(session: Session, **values: Any) -> Recipient:
    """A delivered message to alice with the buttons Yes and No, from the number that the recorded webhooks name."""
    number = make_number(session, phone_number_id="106540352242922")
    number.waba.waba_id = "102290129340398"
    template = make_template(session, number, components=BY_NAME["text_positional"].components)
    campaign = make_campaign(session, number, template, opt_out_buttons=["1"])
    given: dict[str, Any] = {
        "state": RecipientState.ACCEPTED, "wamid": "wamid.campaign", "accepted_at": at(-60), "delivered_at": at(-60),
    }  # fmt: skip
    row = make_recipient(session, campaign, alice(session), **(given | values))
    session.expire(row)
    return row


def _stop(wamid: str, seconds: float) -> InboundMessage:
    return recorded("stop", wamid=wamid, context_wamid=None, at=at(seconds))


def _stored(session: Session) -> list[tuple[str, float]]:
    session.expire_all()
    rows = session.scalars(select(RecipientOptOut)).all()
    return [(row.way.value, (row.at - SAID_AT).total_seconds()) for row in rows]


def test_a_stop_in_answer_to_a_campaign_counts_for_it_once(session: Session) -> None:
    row = _sent(session)
    store(session, _stop("wamid.1", 60), _stop("wamid.2", 90))
    stats = campaign_stats(session, row.campaign_id)
    assert (stats["opted_out"], stats["opted_out_pct"], stats["opted_out_by"]) == (1, 100.0, {"stop_word": 1})
    told = export_person(session, row.contact_id)["opt_outs_of_campaigns"]
    assert [item["way"] for item in told] == ["stop_word"]


def test_an_opt_out_button_is_told_from_a_word(session: Session) -> None:
    row = _sent(session)
    payload = button_payload(MINE, row.id, 1)
    press = recorded(
        "template_button", wamid="wamid.press", text="No", button_payload=payload, pressed=read_button(payload),
        context_wamid=None, word=None, confirms=False, at=at(5),
    )  # fmt: skip
    store(session, press)
    assert _stored(session) == [("button", 5.0)]


def test_the_first_time_stands_whatever_the_order_in_which_they_come(session: Session) -> None:
    row = _sent(session)
    asked = [
        CampaignOptOut(row.id, OptOutWay.WHATSAPP, at(30)),
        CampaignOptOut(row.id, OptOutWay.STOP_WORD, at(10)),
        CampaignOptOut(row.id, OptOutWay.BUTTON, at(10)),
        CampaignOptOut(0, OptOutWay.AGENT, at(1)),
    ]
    for order in permutations(asked):
        for item in order:
            record_opt_outs(session, [item])
        assert _stored(session) == [("button", 10.0)]
        session.execute(delete(RecipientOptOut))


@pytest.mark.sqlite_unless_proved
def test_a_stop_inside_whatsapp_counts_for_the_latest_campaign_of_the_number_that_it_names(session: Session) -> None:
    row = _sent(session)
    change = recorded_change("preference_stop")
    change.value["metadata"] = {"phone_number_id": "106540352242922"}
    apply(session, change)
    assert campaign_stats(session, row.campaign_id)["opted_out_by"] == {"whatsapp": 1}
    session.execute(delete(RecipientOptOut))
    for metadata in ({}, {"phone_number_id": "unknown"}, None):
        change.value["metadata"] = metadata
        apply(session, change)
    assert _stored(session) == []


@pytest.mark.sqlite_only
def test_what_no_row_attributes_counts_for_no_campaign(session: Session) -> None:
    row = _sent(session)
    set_consent(session, [row.contact_id], Consent.UNSUBSCRIBED, NOW, source="an import", actor="ann@example.com")
    stats = campaign_stats(session, row.campaign_id)
    assert (stats["opted_out"], stats["opted_out_pct"], stats["opted_out_by"]) == (0, 0.0, {})


@pytest.mark.sqlite_only
def test_a_stop_long_after_the_message_is_no_answer_to_it(session: Session) -> None:
    row = _sent(session, accepted_at=SAID_AT - timedelta(days=8))
    store(session, _stop("wamid.1", 60))
    assert campaign_stats(session, row.campaign_id)["opted_out"] == 0
