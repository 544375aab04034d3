"""Customers of a shop: whose consent counts, who has no usable phone, whose order a guest's is."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select

from models.clock import utcnow
from models.contacts.consent import opt_out
from models.privacy.redact import redact_person
from models.shop.without_phone import purge_without_phone
from models.tables.contact import Consent, ConsentEvent
from models.tables.setting import write_setting
from models.tables.shop import ShopCustomerRead, ShopCustomerWithoutPhone
from models.tables.tag import ContactTag, Tag
from tests.support.factories.contacts import ALICE_PHONE, alice
from tests.support.shop_rig import AT, SHOP, Shop, consent, customer, later, open_shop, order

ID = "706405506930370084"
BERLIN = {"first_name": "Ana", "last_name": "Abel", "phone": "030 901820", "country_code": "DE"}


@pytest.fixture
def asked_shop(sqlite_url: str, redis: Redis, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """One that Hark may ask."""
    with open_shop(sqlite_url, redis_url, tmp_path, shopify_shop=SHOP, shopify_token="shpat_1") as opened:
        yield opened


def tags(shop: Shop) -> set[str]:
    with shop.rt.database.read() as session:
        return set(session.scalars(select(Tag.name).join(ContactTag)))


def newer(**values: Any) -> dict[str, Any]:
    """A customer as webhooks of 2025-01 and later have them: without tags and without consent."""
    body = customer(default_address=None, addresses=[], **values)
    del body["tags"]
    return body


def reads(shop: Shop) -> list[str]:
    with shop.rt.database.read() as session:
        return list(session.scalars(select(ShopCustomerRead.customer_id)))


def test_consent_to_text_messages_is_none_to_whatsapp_messages_unless_the_house_says_so(shop: Shop) -> None:
    shop.tells("customers/create", customer(sms_marketing_consent=consent("subscribed", level="confirmed_opt_in")))
    assert [person.consent for person in shop.contacts()] == [Consent.UNKNOWN]
    shop.lets_sms_count()
    shop.tells("customers/update", customer(sms_marketing_consent=consent("subscribed", 1), updated_at=later(1)))
    assert [person.consent for person in shop.contacts()] == [Consent.SUBSCRIBED]
    with shop.rt.database.read() as session:
        assert (
            session.scalars(select(ConsentEvent.source).order_by(ConsentEvent.id.desc())).first() == "shopify sms web"
        )


def test_who_was_subscribed_by_text_messages_leaves_by_them_also_after_the_setting_is_off(shop: Shop) -> None:
    shop.lets_sms_count()
    shop.tells("customers/create", customer(sms_marketing_consent=consent("subscribed")))
    with shop.rt.database.write() as session:
        write_setting(session, "shopify_sms_consent_counts", False, utcnow())
    shop.tells("customers_marketing_consent/update", {"customer_id": int(ID)} | _sms("unsubscribed", 1))
    assert [person.consent for person in shop.contacts()] == [Consent.UNSUBSCRIBED]


def test_who_subscribed_elsewhere_stays_so_when_they_leave_the_shops_text_messages(shop: Shop) -> None:
    with shop.rt.database.write() as session:
        alice(session, consent=Consent.SUBSCRIBED, consent_at=AT)
    shop.tells("customers/update", customer(sms_marketing_consent=consent("unsubscribed", 1)))
    assert [person.consent for person in shop.contacts()] == [Consent.SUBSCRIBED]


def test_a_payload_without_tags_and_consent_changes_neither(shop: Shop) -> None:
    shop.lets_sms_count()
    shop.tells("customers/create", customer(sms_marketing_consent=consent("subscribed")))
    shop.tells("customers/update", newer(first_name="Anna", updated_at=later(1)))
    shop.tells("orders/create", order(customer=newer(updated_at=later(2))))
    [person] = shop.contacts()
    assert (person.first_name, person.consent, person.consent_at) == ("Ana", Consent.SUBSCRIBED, AT)
    assert tags(shop) == {"shopify", "vip"}


def test_tags_that_come_by_a_topic_of_their_own_are_added(shop: Shop) -> None:
    shop.tells("customers/create", newer())
    shop.tells("customer.tags_added", {"customerId": f"gid://shopify/Customer/{ID}", "tags": ["gold", "a=b"]})
    shop.tells("customer.tags_added", {"customerId": "gid://shopify/Customer/5", "tags": ["gold"]})
    assert tags(shop) == {"shopify", "gold"}
    assert (len(shop.contacts()), shop.without_phone()) == (1, [])


@pytest.mark.parametrize(
    ("phone", "address", "reason", "raw"),
    [
        (None, None, "no_phone", None),
        ("", {"phone": " ", "country_code": "DE"}, "no_phone", None),
        ("call me", None, "not_a_number", "call me"),
        ("+4930", None, "invalid_phone", "+4930"),
        (None, {"phone": "600 111 22", "country_code": "ES"}, "invalid_phone", "600 111 22"),
    ],
)
def test_a_customer_without_a_usable_phone_is_kept_with_the_reason(
    shop: Shop, phone: str | None, address: dict[str, Any] | None, reason: str, raw: str | None
) -> None:
    shop.tells("customers/create", customer(phone=phone, default_address=address))
    assert (shop.contacts(), shop.letters(), shop.without_phone()) == ([], 0, [(ID, reason)])
    with shop.rt.database.read() as session:
        [row] = session.scalars(select(ShopCustomerWithoutPhone))
        assert (row.shop, row.name, row.email, row.raw_phone) == (SHOP, "Ana Abel", "ana@example.com", raw)


def test_a_national_number_without_any_country_is_kept_as_such(
    sqlite_url: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    with open_shop(sqlite_url, redis_url, tmp_path) as shop:
        shop.tells("customers/create", customer(phone="600111222"))
        assert shop.without_phone() == [(ID, "missing_calling_code")]


def test_a_customer_who_gets_a_phone_becomes_a_contact_and_leaves_the_list(shop: Shop) -> None:
    shop.tells("customers/create", customer(phone="hello"))
    shop.tells("customers/update", customer(phone=None, first_name="Anna", updated_at=later(2)))
    shop.tells("customers/update", customer(updated_at=later(1)))
    assert (shop.contacts(), shop.without_phone()) == ([], [(ID, "no_phone")]), "the older word came late"
    shop.tells("customers/update", customer(updated_at=later(3)))
    assert ([person.shopify_id for person in shop.contacts()], shop.without_phone()) == ([ID], [])
    shop.tells("customers/update", customer(phone=None, updated_at=later(4)))
    assert ([person.phone for person in shop.contacts()], shop.without_phone()) == ([ALICE_PHONE], [])


def test_who_had_no_phone_and_asks_to_be_forgotten_is_wiped_and_stays_away(shop: Shop) -> None:
    shop.tells("customers/create", customer(phone=None))
    shop.tells("customers/create", customer(id=2, phone=None, email="Ben@example.com"))
    shop.tells("customers/create", customer(id=3, phone=None, email="eva@example.com"))
    shop.tells("customers/redact", {"shop_domain": SHOP, "customer": {"id": int(ID), "phone": None}})
    shop.tells("customers/redact", {"shop_domain": SHOP, "customer": {"email": "ben@example.com"}})
    shop.tells("customers/delete", {"id": 3})
    assert (shop.without_phone(), shop.letters()) == ([], 0)
    shop.tells("customers/update", customer(phone=None, updated_at=later(1)))
    shop.tells("customers/update", customer(id=2, phone=None, email="ben@example.com", updated_at=later(1)))
    shop.tells("customers/update", customer(updated_at=later(2)))
    shop.tells("orders/create", order(customer=customer(updated_at=later(3))))
    assert (shop.without_phone(), shop.contacts(), shop.orders()) == ([], [], [])


def test_a_redaction_by_an_address_alone_wipes_the_one_customer_who_has_it_and_asks_where_several_do(
    shop: Shop,
) -> None:
    shop.tells("customers/create", customer())
    shop.tells("customers/create", customer(id=2, phone="+34600000078"))
    shop.tells("customers/redact", {"shop_domain": SHOP, "customer": {"email": "ana@example.com"}})
    assert (shop.letters(), [person.redacted_at for person in shop.contacts()]) == (1, [None, None])
    shop.tells("customers/delete", {"id": 2})
    shop.tells("customers/redact", {"shop_domain": SHOP, "customer": {"email": "ANA@example.com"}})
    assert [person.consent for person in shop.contacts()] == [Consent.REDACTED, Consent.UNKNOWN]


def test_a_person_redacted_in_hark_does_not_come_back_as_the_same_customer_with_another_number(shop: Shop) -> None:
    shop.tells("customers/create", customer())
    with shop.rt.database.write() as session:
        redact_person(session, shop.contacts()[0].id, shop.rt.vault, utcnow(), "admin")
    shop.tells("customers/update", customer(phone="+34600000078", updated_at=later(1)))
    assert [person.phone for person in shop.contacts()] == [None]


def test_customers_of_whom_the_shop_speaks_no_more_are_forgotten_in_time(shop: Shop) -> None:
    shop.tells("customers/create", customer(phone=None))
    with shop.rt.database.write() as session:
        assert purge_without_phone(session, utcnow() + timedelta(days=364)) == 0
        assert purge_without_phone(session, utcnow() + timedelta(days=366)) == 1
    assert shop.without_phone() == []


@pytest.mark.parametrize(
    ("values", "phone"),
    [
        ({"phone": "+34600000079", "billing_address": BERLIN}, "+34600000079"),
        ({"billing_address": BERLIN}, "+4930901820"),
        ({"shipping_address": BERLIN}, "+4930901820"),
        ({"phone": "030 901820", "billing_address": {"country_code": "DE"}}, "+4930901820"),
        ({"phone": "no", "shipping_address": BERLIN | {"phone": None}, "billing_address": BERLIN}, "+4930901820"),
        ({"shipping_address": BERLIN, "billing_address": BERLIN | {"phone": "030 901821"}}, "+4930901820"),
        ({"shipping_address": BERLIN | {"last_name": "Brandt", "phone": "030 5"}, "billing_address": BERLIN}, "+4930901820"),
    ],
)  # fmt: skip
def test_a_guests_order_is_of_the_number_that_stands_in_it_with_the_country_of_its_address(
    shop: Shop, values: dict[str, Any], phone: str
) -> None:
    shop.tells("orders/create", order(customer=None, **values))
    assert [person.phone for person in shop.contacts()] == [phone]
    assert [kept.contact_id for kept in shop.orders()] == [shop.contacts()[0].id]


def test_the_number_to_which_a_gift_is_sent_is_not_the_buyers(shop: Shop) -> None:
    parcel = BERLIN | {"first_name": "Ben", "phone": "030 901821"}
    shop.tells("orders/create", order(customer=None, shipping_address=parcel, billing_address=BERLIN))
    assert [person.phone for person in shop.contacts()] == ["+4930901820"]


def test_a_guest_who_is_a_customer_without_a_phone_is_found_by_their_order(shop: Shop) -> None:
    guest = customer(phone=None, sms_marketing_consent=consent("subscribed"))
    shop.lets_sms_count()
    shop.tells("customers/create", customer(phone=None))
    shop.tells("orders/create", order(customer=guest, billing_address=BERLIN))
    [person] = shop.contacts()
    assert (person.phone, person.shopify_id, shop.without_phone()) == ("+4930901820", ID, [])
    assert person.consent is Consent.UNKNOWN, "the consent was given for another number"
    shop.tells("orders/create", order(id=2, customer=guest, phone="+34600000079", updated_at=later(1)))
    assert [(it.phone, it.shopify_id) for it in shop.contacts()] == [("+4930901820", ID)]
    assert {kept.contact_id for kept in shop.orders()} == {person.id}


def test_a_customers_own_number_goes_before_that_of_an_order(shop: Shop) -> None:
    shop.tells("orders/create", order(phone="+34600000079", billing_address=BERLIN))
    assert [person.phone for person in shop.contacts()] == [ALICE_PHONE]


def test_a_changed_customer_of_the_shop_that_may_be_asked_is_to_be_read_and_nobody_else(asked_shop: Shop) -> None:
    asked_shop.tells("customers/create", newer())
    asked_shop.tells("customers_marketing_consent/update", {"customer_id": 2} | _sms("subscribed", 0))
    asked_shop.tells("customers/update", newer(updated_at=later(-1)))
    asked_shop.tells("orders/create", order(customer=newer(id=3, phone="+34600000078")))
    assert sorted(reads(asked_shop)) == ["2", ID]
    asked_shop.tells("customers/redact", {"shop_domain": SHOP, "customer": {"id": int(ID)}})
    assert reads(asked_shop) == ["2"]


def test_without_a_token_nobody_is_to_be_read(shop: Shop) -> None:
    shop.tells("customers/create", newer())
    assert reads(shop) == []


def test_a_stop_here_is_not_undone_by_a_later_word_on_text_messages(shop: Shop) -> None:
    shop.lets_sms_count()
    shop.tells("customers/create", customer())
    with shop.rt.database.write() as session:
        opt_out(session, shop.contacts()[0].id, AT + timedelta(hours=1), "whatsapp stop word")
    shop.tells("customers/update", customer(sms_marketing_consent=consent("subscribed", 2), updated_at=later(2)))
    assert [person.consent for person in shop.contacts()] == [Consent.UNSUBSCRIBED]


def _sms(state: str, hours: float) -> dict[str, Any]:
    return {"phone": ALICE_PHONE, "sms_marketing_consent": consent(state, hours)}


def test_a_record_that_comes_late_still_brings_the_newest_word_on_consent(shop: Shop) -> None:
    shop.lets_sms_count()
    shop.tells("customers/create", customer(sms_marketing_consent=consent("subscribed")))
    shop.tells("customers/update", newer(first_name="New", updated_at=later(3)))
    late = customer(first_name="Old", updated_at=later(2), sms_marketing_consent=consent("unsubscribed", 1))
    shop.tells("customers/update", late | {"phone": "+34600000078"})
    assert [person.consent for person in shop.contacts()] == [Consent.SUBSCRIBED], "of another number"
    shop.tells("customers/update", late)
    assert [(person.first_name, person.consent) for person in shop.contacts()] == [("New", Consent.UNSUBSCRIBED)]
