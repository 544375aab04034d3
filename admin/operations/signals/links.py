"""Says where the cause of a signal is mended: the path of a page of the panel."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.signals.rules import SignalAction
from models.tables.campaign import Campaign
from models.tables.segment import Segment
from models.tables.tag import ContactList
from models.tables.user import Role

A = SignalAction

NEEDS: Mapping[SignalAction, Role] = {A.MEND_PHONES: Role.MANAGER}
"""The role that the page needs, where it is more than reading."""
_OF_CAMPAIGN: Mapping[SignalAction, str] = {
    A.SHOW_SOURCES: "signals/sources",
    A.SHOW_NEVER_RECEIVED: "signals/never-received",
    A.SHOW_OPT_OUTS: "signals/opt-outs",
    A.SHOW_READING_TIMES: "signals/reading-times",
    A.TRY_AGAIN: "people?status=failed&codes=131049",
}


def action_path(session: Session, action: SignalAction, campaign: Campaign) -> str:
    """The path of the page for this campaign."""
    if action in _OF_CAMPAIGN:
        return f"/admin/campaigns/{campaign.id}/{_OF_CAMPAIGN[action]}"
    match action:
        case A.SHOW_BALANCE:
            return "/admin/money/"
        case A.MEND_PHONES:
            return "/admin/contacts/mend"
        case A.SHOW_TEMPLATE if campaign.template_id is not None:
            return f"/admin/templates/{campaign.template_id}/"
        case A.SHOW_GROUP:
            return _group_path(session, campaign)
    return f"/admin/campaigns/{campaign.id}/"


def _group_path(session: Session, campaign: Campaign) -> str:
    """The first segment of the audience, else its first list, else the tags."""
    include = campaign.audience.get("include") or ()
    for kind, table, path in (("segment", Segment, "segments"), ("list", ContactList, "lists")):
        for name in (item[kind] for item in include if kind in item):
            found = session.scalar(select(table.id).where(table.name == name))
            if found is not None:
                return f"/admin/{path}/{found}/"
    return "/admin/tags/"
