"""Shows lists and their members, and adds and removes members one by one."""

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from admin.operations.groups import add_list, add_to_list, remove_from_list
from admin.panel.audience.group_actions import GroupActions
from admin.panel.base import PAGE_ROWS, action, back, page, positive, sentence
from admin.panel.format import number
from models.contacts.search import count_contacts, search_contacts
from models.contacts.tagging import is_deleted_name, not_deleted
from models.errors import OperatorError
from models.follow_up.list_fill import fills_of_list
from models.tables.tag import ContactList, ListMember
from models.tables.user import Role


class ListView(GroupActions):
    """Pages of lists, the static sets of contacts."""

    kind = "list"

    icon = "lists"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every list with its number of members."""
        after = positive("after")
        query = (
            select(ContactList)
            .where(ContactList.id > after, not_deleted(ContactList))
            .order_by(ContactList.id)
            .limit(PAGE_ROWS + 1)
        )
        with self.rt.database.read() as session:
            lists = list(session.scalars(query))
            ids = [contact_list.id for contact_list in lists[:PAGE_ROWS]]
            sizes = session.execute(
                select(ListMember.list_id, func.count()).where(ListMember.list_id.in_(ids)).group_by(ListMember.list_id)
            )
            counts = dict(sizes.all())
        following = url_for(".index", after=lists[PAGE_ROWS - 1].id) if len(lists) > PAGE_ROWS else None
        return self.render("panel/lists.html", lists=lists[:PAGE_ROWS], counts=counts, following=following, after=after)

    @action("/add", Role.MANAGER)
    def add(self) -> ResponseReturnValue:
        """Add an empty list."""
        try:
            list_id = add_list(self.rt, request.form.get("name", ""), self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".index")
        return back(".show", list_id=list_id)

    @page("/<int:list_id>/")
    def show(self, list_id: int) -> ResponseReturnValue:
        """The members of a list."""
        text, after = request.args.get("q", "").strip()[:200], positive("after") or None
        country = self.rt.settings.default_country
        with self.rt.database.read() as session:
            contact_list = session.get(ContactList, list_id)
            if contact_list is None or is_deleted_name(contact_list.name):
                abort(404)
            people = search_contacts(session, text=text, list_id=list_id, after_id=after, default_country=country)
            count = count_contacts(session, list_id=list_id)
            fills = fills_of_list(session, list_id)
        following = None
        if people.next_after_id is not None:
            following = url_for(".show", list_id=list_id, q=text or None, after=people.next_after_id)
        return self.render(
            "panel/list.html",
            list=contact_list,
            people=people.contacts,
            count=count,
            asked=text,
            fills=fills,
            following=following,
            after=after,
        )

    @action("/<int:list_id>/put", Role.MANAGER)
    def put(self, list_id: int) -> ResponseReturnValue:
        """Add people to a list: phones or picked contacts, separated by commas or semicolons."""
        people = [text.strip() for text in request.form.get("people", "").replace(";", ",").split(",") if text.strip()]
        try:
            added = add_to_list(self.rt, list_id, people, self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
        else:
            flash(f"{number(added)} put on the list." if added else "Everybody was on it already.", "good")
        return back(".show", list_id=list_id)

    @action("/<int:list_id>/take", Role.MANAGER)
    def take(self, list_id: int) -> ResponseReturnValue:
        """Remove a contact from a list."""
        text = request.form.get("contact", "")
        contact_id = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
        self.attempt("Taken off the list.", lambda: remove_from_list(self.rt, list_id, contact_id, self.me.email))
        return back(".show", list_id=list_id)
