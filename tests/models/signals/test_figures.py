"""Each signal appears in a campaign whose rows give cause, and stays away from one whose rows do not."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models.signals.counting import count_campaign
from models.signals.people import never_received, opted_out
from models.signals.reading_times import reading_times
from models.signals.sources import consent_sources
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.recipient_tap import RecipientTap
from models.tables.signal import SignalKind
from models.tables.template_life import TemplateEvent, TemplateEventKind
from tests.support.factories.common import NOW
from tests.support.signal_rows import SENT_AT, add_failed, add_left_out, add_people, sent_campaign, signals_of

K = SignalKind
UNREAD = {"read_at": None}
SILENT = {"read_at": None, "delivered_at": None}


def out_of_money(session: Session, campaign: Campaign) -> None:
    add_people(session, campaign, 5, state=RecipientState.QUEUED, accepted_at=None, **SILENT)
    campaign.status, campaign.pause_reason, campaign.paused_at = CampaignStatus.PAUSED, PauseReason.BUDGET, NOW


def without_code(session: Session, campaign: Campaign) -> None:
    add_left_out(session, campaign, 4, NotSent.MISSING_CALLING_CODE)
    add_left_out(session, campaign, 4, NotSent.UNCLEAR_PHONE)


def without_consent(session: Session, campaign: Campaign) -> None:
    add_left_out(session, campaign, 40, NotSent.NOT_SUBSCRIBED)
    add_failed(session, campaign, 5, 131050)


def not_on_whatsapp(session: Session, campaign: Campaign) -> None:
    add_failed(session, campaign, 20, 131026)
    add_people(session, campaign, 10, **SILENT)


def kept_back(session: Session, campaign: Campaign) -> None:
    add_failed(session, campaign, 15, 131049)


def left(session: Session, campaign: Campaign) -> None:
    add_people(session, campaign, 10, consent=Consent.UNSUBSCRIBED)


def worse(session: Session, campaign: Campaign) -> None:
    for place, (before, after) in enumerate([("UNKNOWN", "GREEN"), ("GREEN", "YELLOW")]):
        event = {"kind": TemplateEventKind.QUALITY, "at": SENT_AT + timedelta(hours=place + 1), "actor": "meta"}
        session.add(TemplateEvent(template_id=campaign.template_id, before=before, after=after, **event))


def often(session: Session, campaign: Campaign) -> None:
    rows = add_people(session, campaign, 60)
    people = [session.get_one(Contact, row.contact_id) for row in rows]
    for place in range(8):
        earlier = sent_campaign(session)
        add_people(session, earlier, 0, contacts=people, at=SENT_AT - timedelta(days=place))


def unread(session: Session, campaign: Campaign) -> None:
    add_people(session, campaign, 140, **UNREAD)


def untapped(session: Session, campaign: Campaign) -> None:
    add_people(session, campaign, 140)
    rows = session.query(Recipient).filter_by(campaign_id=campaign.id).all()
    session.query(RecipientTap).filter_by(campaign_id=campaign.id).delete()
    session.add_all(tap(row, "1") for row in rows[:50])  # the button that opts out


def tap(row: Recipient, place: str) -> RecipientTap:
    return RecipientTap(recipient_id=row.id, campaign_id=row.campaign_id, place=place, title="A button", at=NOW)


CAUSES: dict[SignalKind, Callable[[Session, Campaign], None]] = {
    K.BALANCE: out_of_money,
    K.NO_CALLING_CODE: without_code,
    K.NO_CONSENT: without_consent,
    K.LOW_DELIVERY: not_on_whatsapp,
    K.MARKETING_CAP: kept_back,
    K.OPT_OUTS: left,
    K.TEMPLATE_QUALITY: worse,
    K.TOO_OFTEN: often,
    K.LOW_READ: unread,
    K.LOW_CLICK: untapped,
}


def healthy(session: Session) -> Campaign:
    """Sixty people who read it, half of whom tapped."""
    campaign = sent_campaign(session)
    session.add_all(tap(row, "0") for row in add_people(session, campaign, 60)[::2])
    return campaign


@pytest.mark.sqlite_unless_proved
@pytest.mark.parametrize("kind", SignalKind)
def test_a_signal_appears_where_the_rows_give_cause_and_stays_away_where_they_do_not(
    session: Session, kind: SignalKind
) -> None:
    good, bad = healthy(session), healthy(session)
    CAUSES[kind](session, bad)
    assert [signal.rule.kind for signal in signals_of(session, good).signals] == []
    shown = signals_of(session, bad)
    assert [signal.rule.kind for signal in shown.signals] == [kind]
    assert str(shown.signals[0].figure.whole) in str(shown.signals[0].evidence)
    counted = count_campaign(session, bad.id, NOW)
    assert counted is not None
    assert signals_of(session, bad) == shown, "counted again from the rows it is the same"


def test_several_causes_give_several_signals(session: Session) -> None:
    campaign = healthy(session)
    for cause in (without_code, without_consent, without_consent, kept_back, left, left, worse, often):
        cause(session, campaign)
    shown = [signal.rule.kind for signal in signals_of(session, campaign).signals]
    assert shown == [K.NO_CALLING_CODE, K.NO_CONSENT, K.MARKETING_CAP, K.OPT_OUTS, K.TEMPLATE_QUALITY, K.TOO_OFTEN]


@pytest.mark.sqlite_unless_proved
def test_reading_and_silence_are_judged_a_day_after_the_last_message(session: Session) -> None:
    campaign = healthy(session)
    add_people(session, campaign, 140, **SILENT)
    early = SENT_AT + timedelta(hours=23)
    assert signals_of(session, campaign, early).signals == []
    assert [signal.rule.kind for signal in signals_of(session, campaign).signals] == [K.LOW_DELIVERY]


@pytest.mark.sqlite_unless_proved
def test_the_evidence_names_the_people_and_their_sources_and_hours(session: Session) -> None:
    campaign, other = healthy(session), sent_campaign(session)
    reached, never = add_people(session, campaign, 2, **SILENT)
    add_people(session, other, 0, contacts=[session.get_one(Contact, reached.contact_id)])
    assert [person.contact_id for person in never_received(session, campaign, 0, 50)] == [never.contact_id]
    (leaver,) = add_people(session, campaign, 1, consent=Consent.UNSUBSCRIBED)
    assert [person.contact_id for person in opted_out(session, campaign, 0, 50)] == [leaver.contact_id]
    (stranger,) = add_left_out(session, campaign, 1, NotSent.NOT_SUBSCRIBED)
    event = {"after": Consent.NOT_SUBSCRIBED, "at": NOW, "actor": "cli"}
    session.add(ConsentEvent(contact_id=stranger.contact_id, source="bought list", **event))
    session.flush()
    sources = consent_sources(session, campaign)
    assert [tuple(source) for source in sources] == [("bought list", 1, 1), ("", 63, 0)]
    times = reading_times(session, campaign, "Europe/Madrid", NOW)
    assert (times.total, times.best) == (62, [11]), (
        "10:00 UTC is 11:00 in Madrid; the message of another campaign counts too"
    )
