"""Looks once a day at the customers that the shop changed: a webhook may be lost, and consent to WhatsApp messages has none."""

import logging
import time
from datetime import datetime

from bot.shopify.client import ShopClient
from bot.shopify.errors import ShopError
from bot.shopify.parse import CustomerPage
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import LOOK_AT_SHOP
from jobs.shop.client import JOB_SECONDS, apply_customer, open_client, pause_after, stored_error
from models.clock import utcnow
from models.shop.daily_look import advance_look, begin_look, is_look_due, postpone_look, restart_window
from models.tables.shop import ShopLook

log = logging.getLogger("hark.shop")


def wake_look(rt: Runtime, now: datetime) -> bool:
    """Wake a worker while a look is due or not finished."""
    shop = rt.settings.shopify_shop
    if shop is None or not rt.settings.can_ask_shop:
        return False
    with rt.database.read() as session:
        is_due = is_look_due(session, shop, now)
    return is_due and LOOK_AT_SHOP.enqueue(rt.redis)


def look_at_shop() -> None:
    """The job: page by page for a minute; what is left goes on with the next wake-up."""
    rt = runtime()
    LOOK_AT_SHOP.started(rt.redis)
    if rt.settings.can_ask_shop:
        with open_client(rt) as client:
            continue_look(rt, client, time.monotonic() + JOB_SECONDS)


def continue_look(rt: Runtime, client: ShopClient, ends: float) -> int:
    """Go on with the look that is due; returns how many customers were applied."""
    count = 0
    while time.monotonic() < ends and not SHUTDOWN.is_set():
        with rt.database.write() as session:
            look = begin_look(session, client.shop, utcnow())
        if look is None:
            break
        try:
            page = client.changed_customers(look.since, look.cursor)
        except ShopError as error:
            log.warning("the look at the shop stopped: %s", error)
            _postpone(rt, look, error)
            break
        if not _apply(rt, client.shop, page):
            break
        moments = [customer.changed_at for customer in page.customers if customer.changed_at is not None]
        with rt.database.write() as session:
            is_ours = advance_look(
                session, look, len(page.customers), max(moments, default=None), page.end_cursor, utcnow()
            )
        count += len(page.customers)
        if not is_ours:
            break  # another worker is ahead
    return count


def _apply(rt: Runtime, shop: str, page: CustomerPage) -> bool:
    """Apply a page; False where it was not finished. A customer who cannot be applied stops none of the others."""
    for customer in page.customers:
        if SHUTDOWN.is_set():
            return False
        apply_customer(rt, shop, customer)
    return True


def _postpone(rt: Runtime, look: ShopLook, error: ShopError) -> None:
    pause = pause_after(error)
    with rt.database.write() as session:
        if look.cursor is not None and not error.is_denied and not error.is_transient:
            restart_window(session, look, utcnow(), pause, stored_error(error))
        else:
            postpone_look(session, look, utcnow(), pause, stored_error(error))
