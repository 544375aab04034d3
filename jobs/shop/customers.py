"""Reads customers at the shop after their webhooks, which carry no consent to WhatsApp messages, and since 2025-01 no tags."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime

from bot.shopify.client import ShopClient
from bot.shopify.errors import ShopError
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import READ_SHOP_CUSTOMERS
from jobs.shop.client import JOB_SECONDS, apply_customer, open_client
from models.clock import utcnow
from models.shop.customer_reads import due_reads, has_due_reads, postpone_reads, settle_read
from models.tables.shop import ShopCustomerRead

log = logging.getLogger("hark.shop")

BATCH = 10


def wake_shop_reads(rt: Runtime, now: datetime) -> bool:
    """Wake a worker while customers have to be read."""
    if not rt.settings.can_ask_shop:
        return False
    with rt.database.read() as session:
        is_due = has_due_reads(session, now)
    return is_due and READ_SHOP_CUSTOMERS.enqueue(rt.redis)


def read_shop_customers() -> None:
    """The job: until nothing is due, or a minute is over."""
    rt = runtime()
    READ_SHOP_CUSTOMERS.started(rt.redis)
    if rt.settings.can_ask_shop:
        with open_client(rt) as client:
            read_requested(rt, client, time.monotonic() + JOB_SECONDS)


def read_requested(rt: Runtime, client: ShopClient, ends: float) -> int:
    """Read and apply the customers that are due; returns how many. What the shop does not answer now is tried again later."""
    count = 0
    while time.monotonic() < ends and not SHUTDOWN.is_set():
        with rt.database.read() as session:
            rows = due_reads(session, utcnow(), BATCH)
        if not rows:
            break
        try:
            customers = client.customers([row.customer_id for row in rows])
        except ShopError as error:
            log.warning("customers could not be read: %s", error)
            _postpone(rt, rows)
            break
        for row in rows:
            customer = customers[row.customer_id]
            # None: deleted meanwhile, which the shop says by a webhook of its own.
            if customer is None or apply_customer(rt, client.shop, customer):
                with rt.database.write() as session:
                    settle_read(session, row.customer_id, row.asked_at)
                count += 1
            else:
                _postpone(rt, [row])
    return count


def _postpone(rt: Runtime, rows: Sequence[ShopCustomerRead]) -> None:
    with rt.database.write() as session:
        postpone_reads(session, rows, utcnow())
