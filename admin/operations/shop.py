"""What stands between Hark and the shop: customers without a phone, the daily look, opt-outs that the shop was told."""

from typing import Any

from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.shop.daily_look import read_look
from models.shop.opt_outs import count_opt_outs, last_problem
from models.shop.without_phone import count_without_phone, list_without_phone
from models.stored_texts import show_stored
from models.tables.shop import PhoneReason, ShopCustomerWithoutPhone

PAGE = 500


def customers_without_phone(rt: Runtime, reason: str | None = None) -> list[dict[str, Any]]:
    """Everything that is kept of each customer without a usable phone, in the order in which they came."""
    only = read_reason(reason) if reason else None
    rows: list[dict[str, Any]] = []
    after_id = 0
    while True:
        with rt.database.read() as session:
            page = list_without_phone(session, reason=only, after_id=after_id, limit=PAGE)
        rows += [_facts(row) for row in page]
        if len(page) < PAGE:
            return rows
        after_id = page[-1].id


def read_reason(text: str) -> PhoneReason:
    """The reason of this name. Refused where there is none."""
    if text not in set(PhoneReason):
        raise OperatorError(
            "{text}: there is no such reason; there are {allowed}", text=text[:40], allowed=", ".join(PhoneReason)
        )
    return PhoneReason(text)


def shop_status(rt: Runtime) -> dict[str, Any]:
    """Which shop is asked, how far the look is, and what became of opt-outs. Nothing is asked for it."""
    shop = rt.settings.shopify_shop
    with rt.database.read() as session:
        look = read_look(session, shop) if shop else None
        opt_outs, problem = count_opt_outs(session), last_problem(session)
        without_phone = count_without_phone(session)
    return {
        "shop": shop,
        "is_asked": rt.settings.can_ask_shop,
        "look": None
        if look is None
        else {
            "started_at": look.started_at,
            "finished_at": look.finished_at,
            "customers": look.customers,
            "error": show_stored(look.error),
        },
        "opt_outs": {state.value: count for state, count in opt_outs.items()},
        "opt_outs_wait_because": show_stored(problem),
        "without_phone": {reason.value: count for reason, count in without_phone.items()},
    }


def _facts(row: ShopCustomerWithoutPhone) -> dict[str, Any]:
    names = ("shop", "customer_id", "name", "email", "raw_phone", "changed_at", "seen_at")
    return {"reason": row.reason.value} | {name: getattr(row, name) for name in names}
