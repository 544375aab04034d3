"""A campaign to people with the flaws that are asked for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audience.reach import Reach, estimate_reach
from models.campaigns.launch import begin_launch, launch_slice
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, Contact
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.setting import write_setting
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.common import NOW, next_serial
from tests.support.factories.contacts import join_list, make_contact, make_list, put_tag
from tests.support.factories.conversations import make_case

FLAWS: Sequence[NotSent] = (
    NotSent.EXCLUDED,
    NotSent.NO_TAGS,
    NotSent.INVALID_PHONE,
    NotSent.UNCLEAR_PHONE,
    NotSent.MISSING_CALLING_CODE,
    NotSent.NOT_ON_WHATSAPP,
    NotSent.NOT_SUBSCRIBED,
    NotSent.MARKETING_STOPPED,
    NotSent.OPEN_CASE,
    NotSent.ENGAGED,
    NotSent.MISSING_VARIABLE,
    NotSent.FREQUENCY_CAP,
)


class World:
    """A campaign to a list, and contacts made with the flaws that are asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.number = make_number(session)
        self.template = make_template(session, self.number)
        self.members = make_list(session, "members")
        self.blocked = make_list(session, "blocked")
        put_tag(session, make_contact(session, tags={}), "customer_id", "0")
        self.campaign = make_campaign(
            session,
            self.number,
            self.template,
            status=CampaignStatus.ACTIVE,
            audience={"include": [{"list": "members"}], "exclude": [{"list": "blocked"}]},
            variables={"body": {"1": {"source": "attribute", "attribute": "email"}}},
        )
        self.other = make_campaign(session, self.number, self.template, status=CampaignStatus.ACTIVE)
        self.past = make_campaign(session, self.number, self.template, status=CampaignStatus.ENDED)
        write_setting(session, "frequency_cap_messages", 1, NOW)

    def contact(self, *flaws: NotSent, **values: Any) -> Contact:
        given: dict[str, Any] = {"email": None if NotSent.MISSING_VARIABLE in flaws else "ann@example.com"}
        if NotSent.INVALID_PHONE in flaws:
            given |= {"raw_phone": f"9{next_serial()}", "phone_problem": "invalid_phone"}
        elif NotSent.UNCLEAR_PHONE in flaws:
            given |= {"raw_phone": f"7{next_serial()}", "phone_problem": "unclear_phone"}
        elif NotSent.MISSING_CALLING_CODE in flaws:
            given |= {"raw_phone": f"8{next_serial()}", "phone_problem": "missing_calling_code"}
        if NotSent.NOT_ON_WHATSAPP in flaws:
            given["undeliverable_count"] = 2
        if NotSent.NOT_SUBSCRIBED in flaws:
            given["consent"] = Consent.UNSUBSCRIBED
        if NotSent.MARKETING_STOPPED in flaws:
            given["marketing_stopped_at"] = NOW
        tags: dict[str, str | None] = {} if NotSent.NO_TAGS in flaws else {"vip": None}
        contact = make_contact(self.session, tags=tags, **(given | values))
        join_list(self.session, self.members, contact)
        if NotSent.EXCLUDED in flaws:
            join_list(self.session, self.blocked, contact)
        if NotSent.OPEN_CASE in flaws:
            make_case(self.session, contact)
        if NotSent.ENGAGED in flaws:
            self.engage(contact)
        if NotSent.FREQUENCY_CAP in flaws:
            self.sent_before(contact)
        return contact

    def engage(self, contact: Contact) -> None:
        key = contact.person_key
        self.session.add(Engagement(person_key=key, campaign_id=self.other.id, contact_id=contact.id, created_at=NOW))
        self.session.flush()

    def sent_before(self, contact: Contact, days: int = 2, **values: Any) -> None:
        make_recipient(
            self.session,
            self.past,
            contact,
            state=RecipientState.ACCEPTED,
            accepted_at=NOW - timedelta(days=days),
            **values,
        )

    def reach(self) -> Reach:
        return estimate_reach(self.session, self.campaign, NOW)

    def launched(self) -> dict[int, Recipient]:
        token = begin_launch(self.session, self.campaign.id, NOW)
        assert token is not None
        while launch_slice(self.session, self.campaign.id, token, NOW, size=7):
            pass
        rows = self.session.scalars(select(Recipient).where(Recipient.campaign_id == self.campaign.id))
        return {row.contact_id: row for row in rows}
