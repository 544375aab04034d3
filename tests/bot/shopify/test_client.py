"""The client of a shop over real HTTP: what it asks, what it makes of answers, and how it keeps to the rate limit."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.shopify.access import AppSecret, Credentials, GrantedTokens, StayingToken
from bot.shopify.client import ShopClient
from bot.shopify.errors import ShopError, ShopRefusedError
from models.events.shop_types import ConsentChannel, ShopConsent
from models.tables.shop import PhoneReason
from tests.support.shop_server import TOKEN, VERSION, SimulatedShop, simulated_shop

AT = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
SHOP = "spring.myshopify.com"
Answer = tuple[int, dict[str, Any]]


@pytest.fixture
def shop_server() -> Iterator[SimulatedShop]:
    with simulated_shop() as opened:
        yield opened


def client_of(shop_server: SimulatedShop, credentials: Credentials | None = None, **values: Any) -> ShopClient:
    given: dict[str, Any] = {
        "base_url": shop_server.url,
        "sleep": shop_server.sleep,
        "clock": shop_server.clock,
        "default_country": "ES",
    } | values
    return ShopClient(SHOP, VERSION, credentials or StayingToken(TOKEN), **given)


def test_a_customer_comes_with_their_consent_to_whatsapp_messages(shop_server: SimulatedShop) -> None:
    shop_server.put(
        "706405506930370084", "+34600000001", AT, tags=["vip", "a=b"], email="ana@example.com", lastName="Abel",
        whatsapp=("SUBSCRIBED", AT), level="CONFIRMED_OPT_IN", sms=("SUBSCRIBED", AT),
    )  # fmt: skip
    with client_of(shop_server) as client:
        found = client.customers(["706405506930370084", "2"])
    assert found["2"] is None
    customer = found["706405506930370084"]
    assert customer is not None
    assert (customer.id, customer.e164, customer.changed_at, customer.tags) == (
        "706405506930370084",
        "+34600000001",
        AT,
        ("vip",),
    )
    assert customer.fields == {"first_name": "Ana", "last_name": "Abel", "email": "ana@example.com"}
    assert customer.consents == (ShopConsent(ConsentChannel.WHATSAPP, "subscribed", True, AT, "shopify"),)


def test_consent_to_text_messages_is_asked_for_only_where_it_counts(shop_server: SimulatedShop) -> None:
    shop_server.put("1", "+34600000001", AT, sms=("UNSUBSCRIBED", AT))
    with client_of(shop_server, with_sms=True) as client:
        customer = client.customers(["1"])["1"]
    assert customer is not None
    assert [(it.channel.value, it.state, it.at) for it in customer.consents] == [
        ("whatsapp", "never_subscribed", None),
        ("sms", "unsubscribed", AT),
    ]


def test_the_number_of_an_address_stands_in_but_takes_no_consent_with_it(shop_server: SimulatedShop) -> None:
    address = {"phone": "030 901820", "countryCodeV2": "DE"}
    shop_server.put("1", None, AT, defaultAddress=address)
    shop_server.put("2", "nonsense", AT, defaultAddress=address, whatsapp=("SUBSCRIBED", AT))
    shop_server.put("3", None, AT)
    with client_of(shop_server) as client:
        found = client.customers(["1", "2", "3"])
    customers = [customer for customer in found.values() if customer is not None]
    assert [customer.e164 for customer in customers] == ["+4930901820", "+4930901820", None]
    assert [customer.consents for customer in customers] == [(), (), ()]
    assert customers[2].phone is not None
    assert customers[2].phone.reason is PhoneReason.NO_PHONE


def test_pages_of_changed_customers_come_in_order_until_the_last(shop_server: SimulatedShop) -> None:
    shop_server.largest_page = 2
    for key in range(5):
        shop_server.put(str(key), None, AT + timedelta(minutes=key))
    cursor, ids = None, []
    with client_of(shop_server) as client:
        for _ in range(2):
            page = client.changed_customers(AT + timedelta(minutes=1), cursor)
            ids.append([customer.id for customer in page.customers])
            cursor = page.end_cursor
    assert (ids, cursor) == ([["1", "2"], ["3", "4"]], None)


def test_an_opt_out_is_recorded_with_its_time(shop_server: SimulatedShop) -> None:
    shop_server.put("1", "+34600000001", AT, whatsapp=("SUBSCRIBED", AT))
    with client_of(shop_server) as client:
        client.unsubscribe("1", AT + timedelta(seconds=90.5))
    assert shop_server.consent_of("1") == ("UNSUBSCRIBED", "2026-11-20T10:01:30Z")


def test_a_change_that_the_shop_does_not_make_is_refused_without_quoting_the_customer(
    shop_server: SimulatedShop,
) -> None:
    shop_server.put("1", None, AT)
    with client_of(shop_server) as client, pytest.raises(ShopRefusedError) as caught:
        client.unsubscribe("1", AT)
    assert str(caught.value) == f"{SHOP}: the opt-out is not taken (INVALID)"


def test_a_token_that_may_not_write_is_denied(shop_server: SimulatedShop) -> None:
    shop_server.put("1", "+34600000001", AT)
    shop_server.scopes = {"read_customers"}
    with client_of(shop_server) as client:
        assert client.customers(["1"])["1"] is not None
        with pytest.raises(ShopError) as caught:
            client.unsubscribe("1", AT)
    assert (caught.value.is_denied, caught.value.is_transient) == (True, False)


@pytest.mark.parametrize(
    ("answer", "is_transient", "is_denied"),
    [
        ((500, {}), True, False),
        ((200, {"errors": [{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}), True, False),
        ((200, {"data": {"c0": None}, "errors": [{"extensions": {"code": "ACCESS_DENIED"}}]}), False, True),
        ((403, {"errors": "Forbidden"}), False, True),
        ((404, {"errors": "Not Found"}), False, False),
        ((302, {}), False, False),
        ((200, {"errors": [{"message": "no such field", "extensions": {"code": "undefinedField"}}]}), False, False),
        ((200, {"data": []}), False, False),
        ((200, {"errors": "odd"}), False, False),
    ],
)
def test_an_answer_that_is_none_says_what_the_caller_can_do(
    shop_server: SimulatedShop, answer: Answer, is_transient: bool, is_denied: bool
) -> None:
    shop_server.answers = [lambda: answer]
    with client_of(shop_server) as client, pytest.raises(ShopError) as caught:
        client.customers(["1"])
    assert (caught.value.is_transient, caught.value.is_denied) == (is_transient, is_denied)
    assert TOKEN not in str(caught.value)


def test_a_shop_that_is_away_can_be_asked_later(shop_server: SimulatedShop) -> None:
    with client_of(shop_server, base_url="http://127.0.0.1:1") as client, pytest.raises(ShopError) as caught:
        client.customers(["1"])
    assert caught.value.is_transient


def test_a_wrong_token_is_denied_and_what_is_no_id_is_not_asked_for(shop_server: SimulatedShop) -> None:
    with client_of(shop_server, StayingToken("wrong")) as client:
        with pytest.raises(ShopError) as caught:
            client.customers(["1"])
        assert caught.value.is_denied
        with pytest.raises(ShopError, match="is no id of a customer"):
            client.customers(['1") { id } }'])
    assert shop_server.documents == []


def test_a_query_over_the_limit_waits_for_what_it_lacks(shop_server: SimulatedShop) -> None:
    shop_server.available = 0.0
    shop_server.put("1", "+34600000001", AT)
    with client_of(shop_server) as client:
        assert client.customers(["1"])["1"] is not None
        assert shop_server.slept == [0.2], "at least so long; five points come back in 0.05 s"
        shop_server.available = 0.0
        client.changed_customers(AT, None)
        shop_server.available, slept = 100.0, len(shop_server.slept)
        client.changed_customers(AT, None)
    assert 5 < sum(shop_server.slept[slept:]) < 8, "600 points at 100 a second"


def test_it_waits_before_it_asks_for_more_than_there_is(shop_server: SimulatedShop) -> None:
    shop_server.available = 650.0
    with client_of(shop_server) as client:
        client.changed_customers(AT, None)
        client.changed_customers(AT, None)
    assert shop_server.operations() == ["ChangedCustomers"] * 2, "no query was throttled"
    assert len(shop_server.slept) == 1


def test_a_limit_that_stays_used_up_ends_the_call(shop_server: SimulatedShop) -> None:
    shop_server.answers = [lambda: (429, {})] * 100
    with client_of(shop_server) as client, pytest.raises(ShopError) as caught:
        client.customers(["1"])
    assert caught.value.is_transient
    assert sum(shop_server.slept) <= 30


def test_an_app_with_a_secret_gets_a_token_for_a_day_and_another_when_it_is_not_taken_any_more(
    shop_server: SimulatedShop,
) -> None:
    shop_server.app = ("client", "secret")
    granted = GrantedTokens()
    for _ in range(2):
        with client_of(shop_server, AppSecret("client", "secret"), granted=granted) as client:
            assert client.customers(["1"]) == {"1": None}
    assert shop_server.grants == 1
    shop_server.tokens = set()
    with client_of(shop_server, AppSecret("client", "secret"), granted=granted) as client:
        assert client.customers(["1"]) == {"1": None}
    assert shop_server.grants == 2


def test_an_app_whose_secret_is_wrong_is_denied(shop_server: SimulatedShop) -> None:
    shop_server.app = ("client", "secret")
    with client_of(shop_server, AppSecret("client", "wrong")) as client, pytest.raises(ShopError) as caught:
        client.customers(["1"])
    assert caught.value.is_denied
    assert "wrong" not in str(caught.value)


def test_a_granted_token_is_renewed_before_its_end() -> None:
    clock = [0.0]
    granted = GrantedTokens(lambda: clock[0])
    granted.put("client", SHOP, "token", 86399)
    assert granted.get("client", SHOP) == "token"
    assert granted.get("client", "other.myshopify.com") is None
    clock[0] = 86399 - 600
    assert granted.get("client", SHOP) is None


def test_the_address_is_that_of_the_shop_alone() -> None:
    with ShopClient(SHOP, VERSION, StayingToken(TOKEN)) as client:
        assert client.url == "https://spring.myshopify.com"
