"""Customers whom the shop is asked for."""

from datetime import timedelta

from sqlalchemy import select

from models.tables.contact import Consent, ConsentEvent
from models.tables.tag import ContactTag, Tag
from tests.support.factories.contacts import ALICE_PHONE, alice
from tests.support.shop_asking import ID, STOP_AT, Rig
from tests.support.shop_rig import AT, SHOP, customer, later


def test_a_webhook_without_consent_has_the_customer_read(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT + timedelta(minutes=1), tags=["vip"], whatsapp=("SUBSCRIBED", AT))
    rig.shop.tells("customers/update", customer(tags=None))
    assert rig.person().consent is Consent.UNKNOWN
    assert (rig.reads(), rig.waiting_reads()) == (1, [])
    assert (rig.person().consent, rig.person().consent_at) == (Consent.SUBSCRIBED, AT)
    with rig.rt.database.read() as session:
        event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc()).limit(1)).one()
        tags = set(session.scalars(select(Tag.name).join(ContactTag)))
    assert (event.source, event.proof) == ("shopify whatsapp shopify", f"{SHOP} customer {ID}")
    assert tags == {"shopify", "vip"}


def test_consent_taken_back_in_the_shop_is_taken_back_here_and_an_older_word_changes_nothing(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("UNSUBSCRIBED", AT - timedelta(days=1)))
    with rig.rt.database.write() as session:
        alice(session, consent_at=AT)
    rig.shop.tells("customers/update", customer())
    rig.reads()
    assert rig.person().consent is Consent.SUBSCRIBED
    rig.server.put(ID, ALICE_PHONE, STOP_AT, whatsapp=("UNSUBSCRIBED", STOP_AT))
    rig.shop.tells("customers/update", customer(updated_at=later(1)))
    rig.reads()
    assert rig.person().consent is Consent.UNSUBSCRIBED
    rig.writes()
    assert (rig.opt_outs(), "Unsubscribe" in rig.server.operations()) == ({ID: "from_shop"}, False)


def test_the_shops_word_on_whatsapp_goes_before_that_on_text_messages_whichever_is_newer(rig: Rig) -> None:
    rig.shop.lets_sms_count()
    sms = {"state": "subscribed", "consent_updated_at": later(5), "consent_collected_from": "web"}
    rig.shop.tells("customers/update", customer(sms_marketing_consent=sms))
    assert rig.person().consent is Consent.SUBSCRIBED
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("UNSUBSCRIBED", AT))
    rig.reads()
    assert rig.person().consent is Consent.UNSUBSCRIBED
    rig.server.put("2", "+34600000078", AT, whatsapp=("SUBSCRIBED", AT))
    rig.shop.tells("customers/update", customer(id=2, phone="+34600000078"))
    rig.reads()
    sms |= {"state": "unsubscribed"}
    rig.shop.tells("customers/update", customer(id=2, phone="+34600000078", sms_marketing_consent=sms))
    assert rig.person("+34600000078").consent is Consent.SUBSCRIBED


def test_what_the_shop_never_asked_lowers_nobody(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("NEVER_SUBSCRIBED", None))
    with rig.rt.database.write() as session:
        alice(session, consent_at=AT)
    rig.shop.tells("customers/update", customer())
    rig.reads()
    assert rig.person().consent is Consent.SUBSCRIBED


def test_a_shop_that_is_away_is_asked_again_later_and_a_later_request_is_not_lost(rig: Rig) -> None:
    rig.server.put(ID, ALICE_PHONE, AT, whatsapp=("SUBSCRIBED", AT))
    rig.shop.tells("customers/update", customer())
    rig.server.answers = [lambda: (500, {})]
    assert rig.reads() == 0
    assert rig.reads() == 0, "it waits"
    rig.comes_due()

    def meanwhile() -> tuple[int, dict[str, object]]:
        rig.shop.tells("customers/update", customer(updated_at=later(1)))
        return 200, {"data": {"c0": None}}

    rig.server.answers = [meanwhile]
    assert (rig.reads(), rig.waiting_reads()) == (2, []), "the reading before the request did not settle it"
    assert rig.person().consent is Consent.SUBSCRIBED


def test_a_reading_that_fails_for_long_is_given_up(rig: Rig) -> None:
    rig.shop.tells("customers/update", customer())
    rig.server.tokens = set()
    for _ in range(10):
        rig.comes_due()
        rig.reads()
    assert rig.waiting_reads() == []


def test_a_customer_read_without_a_phone_is_listed_and_one_with_a_phone_leaves_the_list(rig: Rig) -> None:
    rig.server.put(ID, None, AT)
    rig.shop.tells("customers/update", {"id": int(ID), "updated_at": later(0)})
    rig.reads()
    assert rig.shop.without_phone() == [(ID, "no_phone")]
    rig.server.put(ID, ALICE_PHONE, STOP_AT)
    rig.shop.tells("customers/update", {"id": int(ID), "updated_at": later(1)})
    rig.reads()
    assert (rig.shop.without_phone(), rig.person().shopify_id) == ([], ID)
