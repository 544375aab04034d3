"""Customers of the shop who are no contacts, since they have no phone that can be written to; and how the shop is asked."""

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue

from admin.operations.shop import read_reason, shop_status
from admin.panel.base import PAGE_ROWS, PanelView, page, positive
from admin.panel.labels import OPT_OUT, PHONE_REASON
from models.errors import OperatorError
from models.shop.without_phone import list_without_phone


class ShopCustomerView(PanelView):
    """Customers without a phone."""

    icon = "shop"

    def is_accessible(self) -> bool:
        """In the menu only where there is a shop."""
        settings = self.rt.settings
        return super().is_accessible() and bool(settings.shopify_secrets or settings.shopify_shop)

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Each with the reason, in the order in which they came."""
        after, asked = positive("after"), request.args.get("reason", "")
        try:
            reason = read_reason(asked) if asked else None
        except OperatorError:
            abort(404)
        with self.rt.database.read() as session:
            rows = list_without_phone(session, reason=reason, after_id=after, limit=PAGE_ROWS + 1)
        following = None
        if len(rows) > PAGE_ROWS:
            following = url_for(".index", reason=asked or None, after=rows[PAGE_ROWS - 1].id)
        return self.render(
            "panel/shop_customers.html",
            rows=rows[:PAGE_ROWS],
            status=shop_status(self.rt),
            reasons=PHONE_REASON,
            opt_outs=OPT_OUT,
            asked=asked,
            following=following,
            after=after,
        )
