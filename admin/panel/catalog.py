"""Shows the products of Meta's catalogs, and has them read again. Pictures lie on other hosts, and none is loaded from there."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.catalog import (
    accounts_with_numbers,
    accounts_without_catalogs,
    catalog_rows,
    find_products,
    price_text,
)
from admin.panel.base import PanelView, action, back, page, positive
from jobs.core.wake_ups import SYNC_CATALOGS
from models.catalog.problems import product_state
from models.errors import OperatorError
from models.tables.catalog import Product
from models.tables.number import Number
from models.tables.user import Role

SUGGESTED = 8
MAX_QUERY = 100


class CatalogView(PanelView):
    """Pages of products; they are created and changed in Commerce Manager."""

    icon = "products"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The catalogs with their products, found by SKU or words of the name."""
        catalog_pk, after = positive("catalog"), request.args.get("after", "")[:MAX_QUERY]
        text, with_gone = request.args.get("q", "").strip()[:MAX_QUERY], bool(request.args.get("gone"))
        with self.rt.database.read() as session:
            catalogs, without = catalog_rows(session), accounts_without_catalogs(session)
            known = catalog_pk if catalog_pk in {row.id for row in catalogs} else None
            found = find_products(session, text, catalog_pk=known, after=after, with_gone=with_gone)
            products = [(product, price_text(product), product_state(product)) for product in found.products]
        return self.render(
            "panel/catalog.html", catalogs=catalogs, without=without, products=products, total=found.total,
            following=found.next_after, wanted=known, text=text, with_gone=with_gone, after=after,
        )  # fmt: skip

    @page("/pick.json")
    def pick(self) -> ResponseReturnValue:
        """`{"products", "more"}` whose SKU or name has each word of `q`, of the account of the number `number` if it is given."""
        text = request.args.get("q", "").strip()[:MAX_QUERY]
        if not text:
            return {"products": [], "more": False}
        with self.rt.database.read() as session:
            found = find_products(
                session, text, waba_pk=_account_of(session, request.args.get("number")), limit=SUGGESTED
            )
            products = [_suggestion(product) for product in found.products]
        return {"products": products, "more": found.total > len(products)}

    @action("/sync", Role.MANAGER)
    def sync(self) -> ResponseReturnValue:
        """Have every account's catalogs read from Meta again; a worker does it."""
        self.attempt("Hark reads them from Meta now; a large catalog takes some minutes.", self._wake)
        return back(".index")

    def _wake(self) -> None:
        with self.rt.database.read() as session:
            accounts = accounts_with_numbers(session)
        try:
            for waba_pk in accounts:
                SYNC_CATALOGS.enqueue(self.rt.redis, waba_pk)
        except RedisError as error:
            raise OperatorError("Redis cannot be reached: try again in a moment.") from error


def _account_of(session: Session, phone_number_id: str | None) -> int | None:
    if not phone_number_id:
        return None
    return session.scalar(select(Number.waba_id).where(Number.phone_number_id == phone_number_id[:64])) or 0


def _suggestion(product: Product) -> dict[str, Any]:
    state = product_state(product)
    return {
        "sku": product.retailer_id,
        "name": product.name,
        "price": price_text(product),
        "state": "" if state is None else str(state.translated()),
    }
