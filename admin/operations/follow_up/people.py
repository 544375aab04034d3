"""Makes a campaign, a segment or a list of the people behind a figure of a campaign.

Live people are a segment: whoever is in that state when it is asked. Frozen ones are a list, which a job fills.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from admin.operations.campaigns import MAX_NAME, Created, create_campaign, load_campaign
from admin.operations.segments import put_segment
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.follow_up.fill_lists import wake_fill
from models.clock import utcnow
from models.contacts.tagging import read_list_name
from models.errors import OperatorError
from models.follow_up.list_fill import begin_fill
from models.segments.campaign_people import PeopleChoice
from models.segments.rename_delete import group_name
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import Campaign
from models.tables.segment import Segment
from models.tables.tag import ContactList


def people_name(campaign: Campaign, choice: PeopleChoice, at: datetime | None = None) -> str:
    """The name of a segment or list of these people: `Spring (12): Read, no reply`. `at`: of a list, when it was made."""
    end = f" ({campaign.id}): {choice.name}" + (f", {at:%Y-%m-%d %H:%M:%S}" if at is not None else "")
    return f"{(campaign.name or 'Campaign')[: max(MAX_NAME - len(end), 20)].strip()}{end}"[:MAX_NAME]


def save_people(rt: Runtime, campaign_id: int, choice: PeopleChoice, actor: str, name: str = "") -> tuple[int, str]:
    """Save them as a segment; returns its id and name. Without a name it has one of its own, and is stored once.

    Raises CampaignNotFoundError, OperatorError if the campaign was not launched or the name is taken.
    """
    campaign = _launched(rt, campaign_id)
    rule = choice.rule(campaign_id)
    if name.strip():
        return put_segment(rt, name, rule, actor, replaces=False).id, name.strip()
    own_name = people_name(campaign, choice)
    with rt.database.read() as session:
        existing = session.execute(select(Segment.id, Segment.rule).where(Segment.name == own_name)).first()
    if existing is not None and existing.rule == rule:
        return existing.id, own_name
    if existing is not None:
        raise OperatorError("there is a segment “{name}” already, with another rule", name=own_name)
    return put_segment(rt, own_name, rule, actor, replaces=False).id, own_name


@retry_conflicts
def put_people_on_list(
    rt: Runtime, campaign_id: int, choice: PeopleChoice, actor: str, *, name: str = "", list_id: int | None = None
) -> tuple[int, str]:
    """Begin to put them on a list: that of `list_id`, else a new one; returns its id and name. A job does the rest.

    Raises CampaignNotFoundError, OperatorError if the campaign was not launched, there is no such list or the name is taken.
    """
    campaign, now = _launched(rt, campaign_id), utcnow()
    local = now.astimezone(ZoneInfo(rt.settings.time_zone))
    try:
        with rt.database.write() as session:
            if list_id is None:
                list_name = read_list_name(name.strip() or people_name(campaign, choice, local))
                list_id = _new_list(session, list_name, now, actor)
            else:
                list_name = group_name(session, "list", list_id, locked=True)
            fill = begin_fill(session, list_id, campaign_id, choice, actor, now)
            people = {key: text for key, text in choice.to_fields().items() if key != "codes"}
            record_audit(
                session, now, actor, AuditAction.ADD_MEMBERS, "list", list_id, campaign=campaign_id, people=people
            )
            fill_id = fill.id
    except IntegrityError:
        raise OperatorError("there is a list “{name}” already", name=name) from None
    wake_fill(rt, fill_id)
    return list_id, list_name


def write_to_people(rt: Runtime, campaign_id: int, choice: PeopleChoice, actor: str, *, is_frozen: bool) -> Created:
    """Make a draft campaign to them, from the same number. Frozen: to those of now; else to those of its start.

    Raises as `save_people` and `put_people_on_list`.
    """
    campaign = _launched(rt, campaign_id)
    if is_frozen:
        audience = {"list": put_people_on_list(rt, campaign_id, choice, actor)[1]}
    else:
        audience = {"segment": save_people(rt, campaign_id, choice, actor)[1]}
    with rt.database.read() as session:
        number = session.get_one(Campaign, campaign_id).number
    end = f": {choice.name[0].lower()}{choice.name[1:]}"
    name = f"Follow-up to {campaign.name or 'a campaign'}"[: MAX_NAME - len(end)] + end
    data = {"name": name[:MAX_NAME], "audience": {"include": [audience], "exclude": []}}
    return create_campaign(rt, data | ({"number": number.phone_number_id} if number is not None else {}), actor)


def _launched(rt: Runtime, campaign_id: int) -> Campaign:
    campaign = load_campaign(rt, campaign_id)
    if campaign.launched_at is None:
        raise OperatorError(
            "campaign {campaign_id}: nobody is in it before it was started and prepared", campaign_id=campaign_id
        )
    return campaign


def _new_list(session: Session, name: str, now: datetime, actor: str) -> int:
    contact_list = ContactList(name=name, created_at=now)
    session.add(contact_list)
    session.flush()
    record_audit(session, now, actor, AuditAction.ADD, "list", contact_list.id, name=name)
    return contact_list.id
