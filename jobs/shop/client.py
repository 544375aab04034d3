"""Opens the client of the shop that the settings name, and applies what it says of a customer."""

import logging
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot.shopify.access import AppSecret, Credentials, GrantedTokens, StayingToken
from bot.shopify.client import ShopClient
from bot.shopify.errors import ShopError
from jobs.core.db_errors import may_be_an_outage
from jobs.core.logs import described
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from models.clock import utcnow
from models.contacts.resolve import lock_identities
from models.events.shop import apply_shop_customer
from models.events.shop_types import ShopCustomer
from models.stored_texts import SHOP_FAILED
from models.tables.setting import read_setting

log = logging.getLogger("hark.shop")

JOB_SECONDS = 60.0
"""A job about the shop stops after this long; what is left goes on with the next wake-up."""
PAUSE = timedelta(minutes=5)
PAUSE_IF_DENIED = timedelta(hours=1)
_GRANTED = GrantedTokens()
"""A token for a day serves every job of this process."""


def open_client(rt: Runtime) -> ShopClient:
    """Return the client of the shop. Raises ShopError if the settings name no shop, or nothing to ask it with."""
    settings = rt.settings
    if settings.shopify_shop is None or not settings.can_ask_shop:
        raise ShopError("SHOPIFY_SHOP and SHOPIFY_TOKEN are not set: there is no shop to ask", is_denied=True)
    credentials: Credentials
    if settings.shopify_token:
        credentials = StayingToken(settings.shopify_token)
    else:
        credentials = AppSecret(settings.shopify_client_id or "", settings.shopify_secrets[0])
    with rt.database.read() as session:
        with_sms = bool(read_setting(session, "shopify_sms_consent_counts"))
    return ShopClient(
        settings.shopify_shop,
        settings.shopify_api_version,
        credentials,
        default_country=settings.default_country,
        with_sms=with_sms,
        granted=_GRANTED,
        sleep=SHUTDOWN.wait,
    )


def apply_customer(rt: Runtime, shop: str, customer: ShopCustomer) -> bool:
    """Apply a customer as they were read, in a transaction of their own. False if they could not be applied, which is logged.

    One customer must not stop the others; a database that cannot be reached does, so its error is raised.
    """
    try:
        with rt.database.write() as session:
            lock_identities(session)
            apply_shop_customer(session, shop, customer, utcnow(), rt.vault)
    except Exception as error:
        if isinstance(error, SQLAlchemyError | OSError) and may_be_an_outage(error):
            raise
        log.warning("a customer of the shop could not be applied: %s", described(error))
        return False
    return True


def stored_error(error: ShopError) -> str:
    """What a row keeps of the error."""
    return SHOP_FAILED(why=error).stored()


def pause_after(error: ShopError) -> timedelta:
    """How long to wait before the shop is asked again."""
    return PAUSE_IF_DENIED if error.is_denied else PAUSE
