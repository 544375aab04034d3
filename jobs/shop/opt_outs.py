"""Tells the shop who opted out in Hark, so that its other tools leave them alone too."""

import logging
import time
from datetime import datetime

from bot.shopify.client import ShopClient
from bot.shopify.errors import ShopError, ShopRefusedError
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN
from jobs.core.wake_ups import WRITE_SHOP_OPT_OUTS
from jobs.shop.client import JOB_SECONDS, open_client, pause_after, stored_error
from models.clock import utcnow
from models.contacts.person_key import person_key
from models.events.shop_types import ConsentChannel, ShopCustomer
from models.shop.customer_reads import request_read
from models.shop.opt_outs import (
    OptOut,
    add_opt_outs,
    due_opt_outs,
    find_missing,
    has_due_opt_outs,
    postpone_due_opt_outs,
    postpone_opt_out,
    settle_opt_out,
)
from models.tables.shop import OptOutState

log = logging.getLogger("hark.shop")

EVERY_SECONDS = 60.0
BATCH = 50


def wake_opt_outs(rt: Runtime, now: datetime) -> bool:  # noqa: ARG001 - the schedule's form
    """Have a worker look for opt-outs: that is a look through everybody who is unsubscribed."""
    return rt.settings.can_ask_shop and WRITE_SHOP_OPT_OUTS.enqueue(rt.redis)


def write_shop_opt_outs() -> None:
    """The job: make the rows that are missing, then write what is due for a minute."""
    rt = runtime()
    WRITE_SHOP_OPT_OUTS.started(rt.redis)
    if not rt.settings.can_ask_shop:
        return
    collect_opt_outs(rt)
    with rt.database.read() as session:
        is_due = has_due_opt_outs(session, utcnow())
    if is_due:
        with open_client(rt) as client:
            write_due_opt_outs(rt, client, time.monotonic() + JOB_SECONDS)


def collect_opt_outs(rt: Runtime) -> int:
    """Make a row for each opt-out that has none; returns how many. It takes the write lock only where one is missing."""
    last_contact_id, count = 0, 0
    while not SHUTDOWN.is_set():
        with rt.database.read() as session:
            missing = find_missing(session, last_contact_id)
        if missing is None:
            break
        last_contact_id = missing.last_contact_id
        if missing.at:
            with rt.database.write() as session:
                add_opt_outs(session, missing, utcnow())
            count += len(missing.at)
    return count


def write_due_opt_outs(rt: Runtime, client: ShopClient, ends: float) -> int:
    """Write what is due; returns how many were settled. Once the shop takes none, all of them wait."""
    count = 0
    while time.monotonic() < ends and not SHUTDOWN.is_set():
        with rt.database.write() as session:
            due = due_opt_outs(session, utcnow(), BATCH)
        if not due:
            break
        for opt_out in due:
            if time.monotonic() >= ends or SHUTDOWN.is_set():
                break
            try:
                _settle(rt, client, opt_out)
            except ShopError as error:
                log.warning("an opt-out could not be written to the shop: %s", error)
                if _postpone(rt, opt_out, error):
                    return count
            else:
                count += 1
    return count


def _settle(rt: Runtime, client: ShopClient, opt_out: OptOut) -> None:
    """Look first: the shop may have it, or a newer word of the person's."""
    customer = client.customers([opt_out.customer_id])[opt_out.customer_id]
    state, detail = judge_opt_out(opt_out, customer), ""
    if state is None:
        try:
            client.unsubscribe(opt_out.customer_id, opt_out.at)
            state = OptOutState.WRITTEN
        except ShopRefusedError as error:
            state, detail = OptOutState.REFUSED, stored_error(error)
    with rt.database.write() as session:
        settle_opt_out(session, opt_out, state, utcnow(), detail)
        if state is OptOutState.NO_PHONE:
            request_read(session, opt_out.customer_id, utcnow())  # Hark may know another number of theirs


def judge_opt_out(opt_out: OptOut, customer: ShopCustomer | None) -> OptOutState | None:
    """Return why there is nothing to write; None where there is."""
    if customer is None:
        return OptOutState.NO_CUSTOMER
    if customer.e164 is None or person_key(phone=customer.e164) not in opt_out.phone_keys:
        return OptOutState.NO_PHONE
    for consent in customer.consents:
        if consent.channel is not ConsentChannel.WHATSAPP:
            continue
        if consent.state in {"unsubscribed", "redacted"}:
            return OptOutState.ALREADY_THERE
        is_given = consent.state in {"subscribed", "pending"}
        if is_given and consent.at is not None and consent.at > opt_out.at:
            return OptOutState.NEWER_IN_SHOP
    return None


def _postpone(rt: Runtime, opt_out: OptOut, error: ShopError) -> bool:
    """Whether the shop takes none at all now."""
    stops_all = error.is_denied or error.is_transient
    with rt.database.write() as session:
        if stops_all:
            postpone_due_opt_outs(session, utcnow(), pause_after(error), stored_error(error))
        else:
            postpone_opt_out(session, opt_out, utcnow(), stored_error(error))
    return stops_all
