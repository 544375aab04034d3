"""Handles what is made of the people behind a figure: a draft campaign, a segment, a list, a file."""

from flask import abort, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.operations.exports.campaign import campaign_table
from admin.operations.follow_up.people import people_name, put_people_on_list, save_people, write_to_people
from admin.panel.base import PanelView, action, back, page, sentence
from admin.panel.campaigns.facts import campaign_facts
from admin.panel.exports import column_page, download
from models.clock import utcnow
from models.contacts.tagging import not_deleted
from models.errors import OperatorError
from models.segments.campaign_people import PeopleChoice, read_people_choice
from models.table_files.formats import TableFormat
from models.tables.tag import ContactList
from models.tables.user import Role

MAX_LISTS = 500


class CampaignFollowUp(PanelView):
    """The routes behind the menus beside the figures."""

    @page("/<int:campaign_id>/follow-up", Role.MANAGER)
    def follow_up_page(self, campaign_id: int) -> ResponseReturnValue:
        """What can be made of these people, with names to choose."""
        campaign, choice = campaign_facts(self.rt, campaign_id, errors=False).campaign, chosen_people()
        query = select(ContactList.id, ContactList.name).where(not_deleted(ContactList)).order_by(ContactList.name)
        with self.rt.database.read() as session:
            lists = session.execute(query.limit(MAX_LISTS)).all()
        return self.render(
            "panel/follow_up.html",
            campaign=campaign,
            choice=choice,
            fields=choice.to_fields(),
            segment_name=people_name(campaign, choice),
            list_name=people_name(campaign, choice, utcnow()),
            lists=[(str(row.id), row.name) for row in lists],
        )

    @action("/<int:campaign_id>/follow-up/make", Role.MANAGER)
    def follow_up(self, campaign_id: int) -> ResponseReturnValue:
        """Make a campaign, a segment or a list of them, and lead there."""
        make, name, list_text = (request.form.get(field, "") for field in ("make", "name", "list"))
        try:
            choice = read_people_choice(request.form)
            if make in {"live", "frozen"}:
                created = write_to_people(self.rt, campaign_id, choice, self.me.email, is_frozen=make == "frozen")
                flash("This is the draft: choose a template for it.", "good")
                return back(".edit", campaign_id=created.id)
            if make == "segment":
                segment_id, _ = save_people(self.rt, campaign_id, choice, self.me.email, name)
                flash("This is the segment.", "good")
                return back("panel_segments.show", segment_id=segment_id)
            if make == "list":
                list_id = (
                    int(list_text) if list_text.isascii() and list_text.isdigit() and len(list_text) < 10 else None
                )
                list_id, _ = put_people_on_list(self.rt, campaign_id, choice, self.me.email, name=name, list_id=list_id)
                flash("They are being put on this list.", "good")
                return back("panel_lists.show", list_id=list_id)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".show", campaign_id=campaign_id)
        return abort(400)

    @page("/<int:campaign_id>/export", Role.MANAGER)
    def export_columns(self, campaign_id: int) -> ResponseReturnValue:
        """Choose the columns of the export."""
        campaign, choice = campaign_facts(self.rt, campaign_id, errors=False).campaign, chosen_people()
        table = campaign_table(self.rt, campaign_id, choice)
        endpoints = (".export", ".export_xlsx")
        name = campaign.name or "Campaign"
        return column_page(self, table, f"Export of {name}", choice.name, endpoints, campaign_id=campaign_id)

    @page("/<int:campaign_id>/export.csv", Role.MANAGER)
    def export(self, campaign_id: int) -> ResponseReturnValue:
        """The chosen recipients with their status as CSV, streamed."""
        return self._export(campaign_id, TableFormat.CSV)

    @page("/<int:campaign_id>/export.xlsx", Role.MANAGER)
    def export_xlsx(self, campaign_id: int) -> ResponseReturnValue:
        """The same as XLSX."""
        return self._export(campaign_id, TableFormat.XLSX)

    def _export(self, campaign_id: int, table_format: TableFormat) -> ResponseReturnValue:
        campaign_facts(self.rt, campaign_id, errors=False)
        table = campaign_table(self.rt, campaign_id, chosen_people())
        return download(self, table, table_format, f"campaign-{campaign_id}")


def chosen_people() -> PeopleChoice:
    """The people whom the address names. Aborts with 404 if it names them wrongly: another list would be taken for theirs."""
    try:
        return read_people_choice(request.args)
    except OperatorError:
        abort(404)
