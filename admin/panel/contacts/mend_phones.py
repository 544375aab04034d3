"""Mends numbers without a calling code: by groups of what they may mean, or one by one."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from admin.operations.unclear_phones import list_groups, list_members, mend_group, mend_one, read_reading
from admin.panel.base import PAGE_ROWS, PanelView, action, back, page, sentence
from models.contacts.unclear_phones import MendTally
from models.errors import OperatorError
from models.tables.user import Role

MAX_AT_ONCE = 2_000
"""Contacts of a group that one press settles, so that the page answers in seconds; the next press goes on."""


class PhoneMending(PanelView):
    """The pages that the view of contacts inherits."""

    @page("/mend", Role.MANAGER)
    def mend(self) -> ResponseReturnValue:
        """The groups, with what they may mean."""
        groups, is_whole = list_groups(self.rt)
        return self.render(
            "panel/contact_mend.html",
            groups=groups,
            is_whole=is_whole,
            house=self.rt.settings.default_country,
            most=MAX_AT_ONCE,
        )

    @page("/mend/<group>", Role.MANAGER)
    def mend_members(self, group: str) -> ResponseReturnValue:
        """The people of a group, to be settled one by one."""
        after = request.args.get("after", "")[:64]
        members, taken = list_members(self.rt, group, after, PAGE_ROWS + 1)
        following = None
        if len(members) > PAGE_ROWS:
            following = url_for(".mend_members", group=group, after=members[PAGE_ROWS - 1].raw)
        return self.render(
            "panel/contact_mend_members.html",
            group=group,
            members=members[:PAGE_ROWS],
            taken=taken,
            following=following,
            after=after,
        )

    @action("/mend/<group>/settle", Role.MANAGER)
    def mend_all(self, group: str) -> ResponseReturnValue:
        """Ask for confirmation, then settle the group."""
        fields = request.form
        try:
            reading = read_reading(fields.get("as", ""), fields.get("country"))
            if fields.get("confirmed") != "1":
                tally = mend_group(self.rt, group, reading, self.me.email, dry_run=True, most=MAX_AT_ONCE)
                meaning = (
                    f"national numbers of {reading.country}" if reading.country else "international, without their plus"
                )
                return self.render(
                    "panel/confirm.html",
                    title=f"Mend {_numbers(tally)}?",
                    text=f"They are read as {meaning}. Look at a few before: a wrong number is a stranger. {_left(tally)}",
                    button=f"Mend {len(tally.mended)}",
                    tone="main",
                    back=url_for(".mend"),
                )
            tally = mend_group(self.rt, group, reading, self.me.email, most=MAX_AT_ONCE)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".mend")
        were = "was" if len(tally.mended) == 1 else "were"
        flash(f"{_numbers(tally)} {were} mended. {_left(tally)}".strip(), "good" if tally.mended else "bad")
        return back(".mend_members", group=group) if tally.collisions else back(".mend")

    @action("/mend/<group>/<int:contact_id>", Role.MANAGER)
    def mend_this(self, group: str, contact_id: int) -> ResponseReturnValue:
        """Settle one contact."""
        try:
            reading = read_reading(request.form.get("as", ""), request.form.get("country"))
            tally = mend_one(self.rt, contact_id, reading, self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
        else:
            flash(_left(tally) or "The number was mended.", "bad" if tally.collisions else "good")
        return back(".mend_members", group=group)


def _numbers(tally: MendTally) -> str:
    return f"{len(tally.mended)} number{'' if len(tally.mended) == 1 else 's'}"


def _left(tally: MendTally) -> str:
    """What keeps the others, in sentences."""
    parts = []
    if tally.collisions:
        parts.append(f"{len(tally.collisions)} would have the number of another contact: merge them one by one.")
    if tally.impossible:
        parts.append(f"{len(tally.impossible)} are not possible so.")
    if tally.redacted:
        parts.append(f"{len(tally.redacted)} belong to people who were redacted, and stay out.")
    return " ".join(parts)
