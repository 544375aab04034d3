"""A campaign that is ready to be sent to a sandbox: for the tests of the sender."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from bot.sandbox.config import Config
from bot.sandbox.seed import PHONE_NUMBER_ID
from bot.sandbox.server import Handle, start_in_thread
from jobs.core.runtime import Runtime, use_runtime
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.sending.cohorts import cohorts_of
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus
from models.tables.cohort import Cohort
from models.tables.contact import Contact
from models.tables.engagement import Engagement
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from models.tables.template import Template
from models.templates.language_parts import templates_by_language
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.contacts import make_contact

SPRING: list[dict[str, Any]] = [
    {"type": "BODY", "text": "Hi {{1}}, our spring sale is on: {{2}} off everything until Sunday."},
    {"type": "FOOTER", "text": "Reply STOP to leave"},
    {
        "type": "BUTTONS",
        "buttons": [{"type": "QUICK_REPLY", "text": "Tell me more"}, {"type": "QUICK_REPLY", "text": "Stop promos"}],
    },
]


def sandbox_settings(database_url: str, redis_url: str, graph_url: str, var_dir: Path) -> Settings:
    """Settings that reach nothing but this machine."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        var_dir=var_dir,
        graph_api_url=graph_url,
        meta_app_secrets=("sandbox-app-secret",),
        meta_verify_token="sandbox-verify-token",
        secret_key="k" * 32,
        encryption_keys=(new_encryption_key(),),
    )


class Sending:
    """The sandbox, the product's parts, and one campaign."""

    def __init__(self, rt: Runtime, sandbox: Handle) -> None:
        self.rt = rt
        self.sandbox = sandbox
        self.number_id = 0
        self.template_id = 0

    def prepare(self, *, messaging_limit: int | None = -1, messages_per_second: int = 1000) -> None:
        """A number that the sandbox knows, and its template."""
        with self.rt.database.write() as session:
            token = self.rt.vault.encrypt("sandbox-access-token")
            number = make_number(
                session,
                messaging_limit=messaging_limit,
                phone_number_id=PHONE_NUMBER_ID,
                access_token=token,
                messages_per_second=messages_per_second,
            )
            template = make_template(session, number, name="spring_sale", components=SPRING)
            self.number_id, self.template_id = number.id, template.id

    def several(self, people: Mapping[str, Sequence[str]], *, fallback: str | None = "en", **values: Any) -> int:
        """An active, launched campaign in these languages, each to these phones."""
        with self.rt.database.write() as session:
            number, first = session.get_one(Number, self.number_id), session.get_one(Template, self.template_id)
            existing = templates_by_language(session, first)
            for code in people:
                if code.lower() not in existing:
                    make_template(session, number, name=first.name, language=code, components=SPRING)
        codes: dict[str, Any] = {"languages": list(people), "fallback_language": fallback}
        campaign_id = self.campaign([phone for phones in people.values() for phone in phones], **codes, **values)
        with self.rt.database.write() as session:
            for cohort, phones in zip(cohorts_of(session, campaign_id), people.values(), strict=True):
                ids = select(Contact.id).where(Contact.phone.in_(phones))
                session.execute(
                    update(Recipient)
                    .where(Recipient.campaign_id == campaign_id, Recipient.contact_id.in_(ids))
                    .values(cohort_id=cohort.id),
                    execution_options={"synchronize_session": False},
                )
        return campaign_id

    def cohorts(self, campaign_id: int) -> dict[str, Cohort]:
        """The campaign's cohorts by language."""
        with self.rt.database.read() as session:
            return {cohort.template.language: cohort for cohort in cohorts_of(session, campaign_id)}

    def languages_got(self) -> dict[str, int]:
        """How many messages the people got in each language."""
        return dict(Counter(str(message.language) for message in self.sandbox.store.messages))

    def campaign(self, phones: Sequence[str], *, pace: float = 500.0, **values: Any) -> int:
        """An active, launched campaign to these phones."""
        now = utcnow()
        with self.rt.database.write() as session:
            campaign = make_campaign(
                session,
                session.get_one(Number, self.number_id),
                session.get_one(Template, self.template_id),
                status=CampaignStatus.ACTIVE,
                launched_at=now,
                outcome=CampaignOutcome.SENDING,
                pace_per_second=pace,
                **values,
            )
            for phone in phones:
                contact = make_contact(session, phone, name="Ann", tags={"vip": None})
                make_recipient(session, campaign, contact, source_values={"body": {"1": "Ann", "2": "20%"}}, now=now)
                session.add(
                    Engagement(
                        person_key=contact.person_key, campaign_id=campaign.id, contact_id=contact.id, created_at=now
                    )
                )
            return campaign.id

    def states(self, campaign_id: int) -> dict[str, int]:
        """How many recipients are in each state."""
        with self.rt.database.read() as session:
            query = select(Recipient.state, func.count()).where(Recipient.campaign_id == campaign_id)
            return {str(state): count for state, count in session.execute(query.group_by(Recipient.state))}

    def recipient(self, campaign_id: int, phone: str) -> Recipient:
        """The recipient with this phone."""
        with self.rt.database.read() as session:
            return session.scalars(
                select(Recipient).join(Contact).where(Recipient.campaign_id == campaign_id, Contact.phone == phone)
            ).one()

    def row(self, campaign_id: int) -> Campaign:
        """The campaign as it stands."""
        with self.rt.database.read() as session:
            return session.get_one(Campaign, campaign_id)

    def waiting(self, campaign_id: int) -> int:
        """How many are queued or under way."""
        states = self.states(campaign_id)
        return states.get(RecipientState.QUEUED, 0) + states.get(RecipientState.SENDING, 0)


@contextmanager
def sending_to_a_sandbox(database_url: str, redis_url: str, var_dir: Path, **config: Any) -> Iterator[Sending]:
    """Open everything, and close it."""
    sandbox = start_in_thread(Config(**({"speed": 50.0, "throughput_mps": 1000.0} | config)))
    rt = Runtime(sandbox_settings(database_url, redis_url, sandbox.url, var_dir))
    try:
        with use_runtime(rt):
            yield Sending(rt, sandbox)
    finally:
        rt.close()
        sandbox.stop()


def phones(count: int, start: int = 0) -> list[str]:
    return [f"+3460001{start + index:04d}" for index in range(count)]
