"""Routes of the exports of lists that are no campaign's: contacts, a segment, cases, orders."""

from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue

from admin.operations.exports.lists import cases_table, contacts_table, orders_table, segment_table
from admin.operations.exports.table import ExportTable
from admin.panel.base import PanelView, page, positive
from admin.panel.exports import column_page, download
from admin.panel.inbox.entries import CASE_FILTERS
from models.errors import OperatorError
from models.table_files.formats import TableFormat
from models.tables.contact import Consent
from models.tables.user import Role


class ListExportView(PanelView):
    """For each list the choice of its columns, and its file as CSV and as XLSX."""

    needs = Role.MANAGER

    def is_visible(self) -> bool:
        """Not in the menu: each list leads to its own export."""
        return False

    @page("/", Role.MANAGER)
    def index(self) -> ResponseReturnValue:
        """The columns of the contacts of a search, whose fields the address has as the page of contacts."""
        return self._columns(self._contacts(), "Export of contacts", "Everybody whom the search finds.", "contacts")

    @page("/contacts.csv", Role.MANAGER)
    def contacts_csv(self) -> ResponseReturnValue:
        """The contacts of a search as CSV."""
        return download(self, self._contacts(), TableFormat.CSV, "contacts")

    @page("/contacts.xlsx", Role.MANAGER)
    def contacts_xlsx(self) -> ResponseReturnValue:
        """The contacts of a search as XLSX."""
        return download(self, self._contacts(), TableFormat.XLSX, "contacts")

    @page("/segments/<int:segment_id>", Role.MANAGER)
    def segment(self, segment_id: int) -> ResponseReturnValue:
        """The columns of the contacts in a segment."""
        lede = "Everybody who matches the segment when the file is made."
        return self._columns(self._segment(segment_id), "Export of a segment", lede, "segment", segment_id=segment_id)

    @page("/segments/<int:segment_id>.csv", Role.MANAGER)
    def segment_csv(self, segment_id: int) -> ResponseReturnValue:
        """The contacts in a segment as CSV."""
        return download(self, self._segment(segment_id), TableFormat.CSV, f"segment-{segment_id}")

    @page("/segments/<int:segment_id>.xlsx", Role.MANAGER)
    def segment_xlsx(self, segment_id: int) -> ResponseReturnValue:
        """The contacts in a segment as XLSX."""
        return download(self, self._segment(segment_id), TableFormat.XLSX, f"segment-{segment_id}")

    @page("/cases", Role.MANAGER)
    def cases(self) -> ResponseReturnValue:
        """The columns of cases; `show` as in the inbox."""
        lede = "Open cases." if request.args.get("show") in CASE_FILTERS else "Every case, closed ones too."
        return self._columns(self._cases(), "Export of cases", lede, "cases")

    @page("/cases.csv", Role.MANAGER)
    def cases_csv(self) -> ResponseReturnValue:
        """Cases as CSV."""
        return download(self, self._cases(), TableFormat.CSV, "cases")

    @page("/cases.xlsx", Role.MANAGER)
    def cases_xlsx(self) -> ResponseReturnValue:
        """Cases as XLSX."""
        return download(self, self._cases(), TableFormat.XLSX, "cases")

    @page("/orders", Role.MANAGER)
    def orders(self) -> ResponseReturnValue:
        """The columns of orders."""
        return self._columns(orders_table(self.rt), "Export of orders", "Every order that Hark knows.", "orders")

    @page("/orders.csv", Role.MANAGER)
    def orders_csv(self) -> ResponseReturnValue:
        """Orders as CSV."""
        return download(self, orders_table(self.rt), TableFormat.CSV, "orders")

    @page("/orders.xlsx", Role.MANAGER)
    def orders_xlsx(self) -> ResponseReturnValue:
        """Orders as XLSX."""
        return download(self, orders_table(self.rt), TableFormat.XLSX, "orders")

    def _columns(self, table: ExportTable, title: str, lede: str, noun: str, **values: Any) -> str:
        return column_page(self, table, title, lede, (f".{noun}_csv", f".{noun}_xlsx"), **values)

    def _contacts(self) -> ExportTable:
        texts = {name: request.args.get(name, "").strip()[:200] for name in ("q", "phone", "tag", "value", "consent")}
        search: dict[str, Any] = {
            "text": texts["q"],
            "phone": texts["phone"],
            "tag": texts["tag"],
            "value": texts["value"] if texts["tag"] else "",
            "list_id": positive("list") or None,
            "consent": Consent(texts["consent"]) if texts["consent"] in set(Consent) else None,
            "default_country": self.rt.settings.default_country,
        }
        return contacts_table(self.rt, search)

    def _segment(self, segment_id: int) -> ExportTable:
        try:
            return segment_table(self.rt, segment_id)
        except OperatorError:
            abort(404)

    def _cases(self) -> ExportTable:
        return cases_table(self.rt, CASE_FILTERS.get(request.args.get("show", ""), []))
