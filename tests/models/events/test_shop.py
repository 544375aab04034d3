"""News of a shop become contacts, consent and orders."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from jobs.imports.uploads import load_upload, save_upload, store_upload
from models.clock import utcnow
from models.contacts.consent import opt_in, opt_out
from models.contacts.merge import merge_contacts
from models.tables.contact import Consent, ConsentEvent
from models.tables.order import OrderItem
from models.tables.setting import write_setting
from models.tables.tag import ContactTag, Tag
from tests.support.factories.contacts import ALICE_PHONE, alice, bob, make_contact
from tests.support.shop_rig import AT, SHOP, Shop, consent, customer, later, order


def test_a_customer_becomes_a_contact_and_changes_with_the_shop(shop: Shop) -> None:
    shop.lets_sms_count()
    shop.tells("customers/create", customer(sms_marketing_consent=consent("subscribed")))
    [person] = shop.contacts()
    assert (person.phone, person.name, person.email) == (ALICE_PHONE, "Ana Abel", "ana@example.com")
    assert (person.shopify_id, person.consent, person.consent_at) == ("706405506930370084", Consent.SUBSCRIBED, AT)
    with shop.rt.database.read() as session:
        event = session.scalars(select(ConsentEvent).where(ConsentEvent.after == Consent.SUBSCRIBED)).one()
        tags = set(session.scalars(select(Tag.name).join(ContactTag)))
    assert (event.source, event.actor) == ("shopify sms web", "shopify")
    assert event.proof == f"{SHOP} customer 706405506930370084"
    assert tags == {"shopify", "vip"}
    shop.tells("customers/update", customer(first_name="Anna", updated_at=later(1)))
    assert [person.name for person in shop.contacts()] == ["Anna Abel"]


def test_old_and_repeated_news_change_nothing(shop: Shop) -> None:
    shop.tells("customers/update", customer(first_name="New", updated_at=later(2)), event_id="e1")
    shop.tells("customers/update", customer(first_name="Old", updated_at=later(1)))
    shop.tells("customers/update", customer(first_name="Again", updated_at=later(3)), event_id="e1")
    assert [person.first_name for person in shop.contacts()] == ["New"]
    shop.tells("customers/delete", {"id": 706405506930370084})
    shop.tells("customers/update", customer(first_name="Late", updated_at=later(3)))
    [person] = shop.contacts()
    assert (person.first_name, person.shopify_id) == ("New", None)


def test_a_contact_that_is_there_is_the_customer_and_keeps_the_name_that_somebody_gave(shop: Shop) -> None:
    with shop.rt.database.write() as session:
        alice(session, consent=Consent.UNKNOWN, consent_at=None)
    shop.tells("customers/create", customer())
    [person] = shop.contacts()
    assert (person.name, person.first_name, person.consent) == ("Alice", "Ana", Consent.UNKNOWN)


def test_a_customer_whose_number_changed_is_the_person_behind_the_new_one(shop: Shop) -> None:
    shop.tells("customers/create", customer())
    shop.tells("customers/update", customer(phone="+34600000077", updated_at=later(1)))
    shop.tells("customers/update", customer(updated_at=later(0.5)))
    former, person = shop.contacts()
    assert (former.shopify_id, person.shopify_id) == (None, "706405506930370084")
    assert person.phone == "+34600000077"


def test_a_customer_with_a_number_that_the_person_had_before_is_the_person_and_learns_little(shop: Shop) -> None:
    shop.lets_sms_count()
    with shop.rt.database.write() as session:
        person = make_contact(session, "+34600000077", name="Eva", first_name="Eva", consent=Consent.UNKNOWN)
        twin = make_contact(session, shopify_id="4711", name="Eva", consent=Consent.UNKNOWN)
        former = make_contact(session, ALICE_PHONE, shopify_id="4712", name="Eva", consent=Consent.UNKNOWN)
        for record in (twin, former):
            merge_contacts(session, person.id, record.id, AT)
    shop.tells("customers/create", customer(sms_marketing_consent=consent("subscribed", 1)))
    found = next(one for one in shop.contacts() if one.merged_into_id is None)
    assert (found.phone, found.first_name, found.consent) == ("+34600000077", "Eva", Consent.UNKNOWN)
    assert (found.shopify_id, found.email) == ("4711", "ana@example.com")
    shop.tells("customers/update", customer(id=4712, first_name="Evi", phone=None, updated_at=later(2)))
    shop.tells("customers/update", customer(sms_marketing_consent=consent("unsubscribed", 3), updated_at=later(3)))
    found = next(one for one in shop.contacts() if one.merged_into_id is None)
    assert (found.shopify_id, found.first_name, found.consent) == ("4711", "Evi", Consent.UNSUBSCRIBED)
    shop.tells("customers/redact", {"shop_domain": SHOP, "customer": {"id": 4712}})
    assert [one.consent for one in shop.contacts() if one.merged_into_id is None] == [Consent.REDACTED]


def test_the_number_of_an_address_is_completed_by_its_country(shop: Shop) -> None:
    address = {"phone": "600 000 078", "country_code": "ES"}
    shop.tells("customers/create", customer(phone=None, default_address=address))
    assert [person.phone for person in shop.contacts()] == ["+34600000078"]


@pytest.mark.parametrize("number", [None, "", "hello", "123"])
def test_a_customer_without_a_number_becomes_nobody(shop: Shop, number: str | None) -> None:
    shop.tells("customers/create", customer(phone=number))
    assert (shop.contacts(), shop.letters()) == ([], 0)


def test_a_shop_never_brings_back_who_left(shop: Shop) -> None:
    shop.lets_sms_count()
    with shop.rt.database.write() as session:
        bob(session, consent_at=AT - timedelta(days=1))
    body = {"phone": "+34600000002", "sms_marketing_consent": consent("subscribed", level="confirmed_opt_in")}
    shop.tells("customers_marketing_consent/update", body)
    assert [person.consent for person in shop.contacts()] == [Consent.UNSUBSCRIBED]


def test_of_whatsapp_and_the_shop_the_newest_word_counts(shop: Shop) -> None:
    shop.lets_sms_count()
    with shop.rt.database.write() as session:
        person_id = alice(session, consent=Consent.UNKNOWN, consent_at=None).id
        opt_in(session, person_id, AT, "whatsapp start word")
    shop.tells(
        "customers/marketing_consent_update",
        {"phone": ALICE_PHONE, "sms_marketing_consent": consent("unsubscribed", -1)},
    )
    shop.tells("customers/update", customer(sms_marketing_consent=consent("not_subscribed", 1)))
    assert [person.consent for person in shop.contacts()] == [Consent.SUBSCRIBED]
    shop.tells("customers/update", customer(sms_marketing_consent=consent("unsubscribed", 1), updated_at=later(1)))
    assert [person.consent for person in shop.contacts()] == [Consent.UNSUBSCRIBED]


def test_with_double_opt_in_a_shops_word_is_pending_until_the_person_confirms(shop: Shop) -> None:
    shop.lets_sms_count()
    with shop.rt.database.write() as session:
        write_setting(session, "double_opt_in", True, utcnow())
    shop.tells("customers/create", customer(sms_marketing_consent=consent("subscribed")))
    [person] = shop.contacts()
    assert person.consent.value == "pending"
    with shop.rt.database.write() as session:
        assert opt_in(session, person.id, AT + timedelta(hours=1), "whatsapp confirmation")
    shop.tells("customers/update", customer(sms_marketing_consent=consent("subscribed", 2), updated_at=later(2)))
    assert [person.consent.value for person in shop.contacts()] == ["subscribed"]
    confirmed = consent("subscribed", level="confirmed_opt_in")
    shop.tells("customers/create", customer(id=2, phone="+34600000078", sms_marketing_consent=confirmed))
    assert shop.contacts()[-1].consent.value == "subscribed"


def test_an_order_is_kept_with_its_newest_news(shop: Shop) -> None:
    shop.tells("orders/create", order())
    [kept], [person] = shop.orders(), shop.contacts()
    assert (kept.shop, kept.external_id, kept.number) == (SHOP, "820982911946154508", "#9999")
    assert (kept.contact_id, kept.total_milli, kept.currency) == (person.id, 388_000, "USD")
    assert (kept.placed_at, kept.items[0]) == (
        AT - timedelta(hours=1),
        {"title": "IPod Nano", "brand": "Acme", "quantity": 1},
    )
    with shop.rt.database.read() as session:
        assert session.scalars(select(OrderItem.name)).all() == ["Acme"]
    shop.tells("orders/updated", order(cancelled_at=later(1), updated_at=later(1)))
    shop.tells("orders/updated", order(current_total_price="1.00", updated_at=later(0.5)))
    [kept] = shop.orders()
    assert (kept.cancelled_at, kept.total_milli) == (AT + timedelta(hours=1), 388_000)
    assert person.name == "Ana Abel"


def test_a_guests_order_is_theirs_by_its_number_and_one_of_nobody_is_left(shop: Shop) -> None:
    shop.tells("orders/create", order(customer=None, phone="+34600000079"))
    shop.tells("orders/create", order(id=2, customer=None))
    shop.tells("orders/create", order(id=3, test=True))
    assert [kept.external_id for kept in shop.orders()] == ["820982911946154508"]
    assert [person.phone for person in shop.contacts()] == ["+34600000079"]


def test_who_asks_the_shop_to_be_forgotten_is_wiped_and_stays_away(shop: Shop) -> None:
    shop.tells("orders/create", order())
    file = store_upload(shop.rt, "people.csv", b"phone", "ana@example.com")
    others = {"line": 3, "what": "phone +34600000002"}
    file.told = [{"line": 2, "what": f"phone {ALICE_PHONE}"}, others]
    save_upload(shop.rt, file)
    shop.tells("customers/redact", {"shop_domain": SHOP, "customer": {"id": 706405506930370084, "phone": ALICE_PHONE}})
    [person] = shop.contacts()
    assert (person.phone, person.name, person.consent) == (None, "", Consent.REDACTED)
    kept = load_upload(shop.rt, file.token)
    assert kept is not None
    assert kept.told == [others]
    shop.tells("customers/update", customer(updated_at=later(5)))
    shop.tells("orders/updated", order(updated_at=later(5)))
    assert (len(shop.contacts()), shop.orders()) == (1, [])


def test_an_order_is_not_taken_for_a_redaction_whatever_its_topic_says(shop: Shop) -> None:
    shop.tells("orders/create", order())
    shop.tells("customers/redact", order())
    assert [person.phone for person in shop.contacts()] == [ALICE_PHONE]
    assert shop.letters() == 1


def test_a_stop_between_two_news_of_the_shop_holds(shop: Shop) -> None:
    shop.lets_sms_count()
    shop.tells("customers/create", customer(sms_marketing_consent=consent("subscribed")))
    [person] = shop.contacts()
    with shop.rt.database.write() as session:
        opt_out(session, person.id, AT + timedelta(hours=1), "whatsapp stop word")
    shop.tells("customers/update", customer(sms_marketing_consent=consent("subscribed", 2), updated_at=later(2)))
    assert [person.consent for person in shop.contacts()] == [Consent.UNSUBSCRIBED]
    with shop.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ConsentEvent)) == 3
