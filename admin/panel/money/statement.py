"""Renders a month's statement, and serves its rows as files."""

from flask import Response, request
from flask.typing import ResponseReturnValue

from admin.operations.money.statement import month_statement, statement_lines, statement_workbook
from admin.panel.base import PanelView, page, sentence
from models.errors import OperatorError
from models.tables.user import Role

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class StatementPages(PanelView):
    """The routes of a month's statement."""

    @page("/statement")
    def statement(self) -> ResponseReturnValue:
        """What was charged in the month of the address; this month's where it names none."""
        month = request.args.get("month", "").strip()
        try:
            found, error = month_statement(self.rt, month or None), None
        except OperatorError as problem:
            found, error = month_statement(self.rt), sentence(problem)
        text = self.render("panel/money/statement.html", statement=found, month_error=error, given_month=month)
        return text, 400 if error else 200

    @page("/statement.csv", Role.MANAGER)
    def statement_csv(self) -> ResponseReturnValue:
        """The rows of a month as CSV."""
        month = request.args.get("month", "").strip() or None
        try:
            lines = statement_lines(self.rt, month, self.me.email, for_excel=True)
        except OperatorError as error:
            return sentence(error), 400
        return Response(lines, mimetype="text/csv", headers=_attachment(month, "csv"))

    @page("/statement.xlsx", Role.MANAGER)
    def statement_xlsx(self) -> ResponseReturnValue:
        """The rows of a month as a spreadsheet."""
        month = request.args.get("month", "").strip() or None
        try:
            pieces = statement_workbook(self.rt, month, self.me.email)
        except OperatorError as error:
            return sentence(error), 400
        return Response(pieces, mimetype=_XLSX, headers=_attachment(month, "xlsx"))


def _attachment(month: str | None, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="statement{f"-{month}" if month else ""}.{kind}"'}
