"""Loads the campaigns that a lane serves: those of its number that are active, launched and have recipients due."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.messages.template import TemplateBuilder
from jobs.core.runtime import Runtime
from jobs.media.references import MediaNotReadyError, resolve_content
from jobs.sending.failure_rate import FailureGuard, load_guard, save_guard
from jobs.sending.pace import SendTimetable
from models.catalog.lookup import linked_catalogs
from models.sending.claim import has_due
from models.sending.number_rate import STANDARD_RATE, number_rate
from models.tables.campaign import DEFAULT_PER_SECOND, Campaign, CampaignStatus
from models.tables.number import Number, Waba
from models.templates.content import content_of

SECONDS_PER_HOUR = 3600.0
log = logging.getLogger("hark.lane")


@dataclass(slots=True)
class Served:
    """One campaign as a lane serves it.

    `is_blocked` is set as soon as a decisive error is read, `is_pausing` while the pause that follows is being written.
    """

    id: int
    name: str
    per_second: float
    builder: TemplateBuilder
    guard: FailureGuard
    is_blocked: bool = False
    is_pausing: bool = False
    timetable: SendTimetable = field(default_factory=SendTimetable)


@dataclass(frozen=True, slots=True)
class ServedNumber:
    """The number that a lane serves, with its decrypted token, which leaves this process only to Meta."""

    id: int
    phone_number_id: str
    portfolio_id: int
    token: str = field(repr=False)
    messages_per_second: int = STANDARD_RATE


def load_number(rt: Runtime, number_id: int) -> ServedNumber | None:
    """Load the number; None if it is stopped or gone.

    Raises WrongKeyError if its token cannot be decrypted.
    """
    with rt.database.read() as session:
        row = session.execute(
            select(Number, Waba.portfolio_id)
            .join(Waba, Waba.id == Number.waba_id)
            .where(Number.id == number_id, Number.stopped_at.is_(None))
        ).first()
    if row is None:
        return None
    number, portfolio_id = row
    token = rt.vault.decrypt(number.access_token)
    return ServedNumber(number.id, number.phone_number_id, portfolio_id, token, number_rate(number))


class CampaignFeed:
    """Reads the due campaigns from the database at each call and keeps the state that a lane has of each."""

    def __init__(self, rt: Runtime, number: ServedNumber) -> None:
        self._rt = rt
        self._number = number
        self._known: dict[int, Served] = {}
        self._unready: set[int] = set()
        self.messages_per_second = number.messages_per_second
        """The number's whole rate, as of the last reading."""

    def due(self, now: datetime) -> list[Served]:
        """Campaigns with recipients due, in the order of their ids; empty while the number is stopped or held."""
        with self._rt.database.read() as session:
            number = session.get_one(Number, self._number.id)
            self.messages_per_second = number_rate(number)
            if not number.may_send(now):
                self._block_others(())
                return []
            campaigns = session.scalars(
                select(Campaign)
                .where(
                    Campaign.number_id == self._number.id,
                    Campaign.status == CampaignStatus.ACTIVE,
                    Campaign.launched_at.is_not(None),
                )
                .order_by(Campaign.id)
            ).all()
            active_ids = [campaign.id for campaign in campaigns]
            self._block_others(active_ids)
            for campaign_id in self._known.keys() - active_ids:  # if it is resumed, it is judged by new results alone
                self._known[campaign_id].guard = FailureGuard()
            due = [campaign for campaign in campaigns if has_due(session, campaign.id, now)]
            return [served for campaign in due if (served := self._served_or_none(session, campaign, now)) is not None]

    def remember(self) -> None:
        """Save the guards for the next lane. Raises RedisError if Redis is away."""
        for served in self._known.values():
            save_guard(self._rt.redis, served.id, served.guard)

    def _block_others(self, active_ids: Sequence[int]) -> None:
        """Block campaigns that are not active any more: rows that the lane claimed and did not begin go back to the queue."""
        for campaign_id in self._known.keys() - active_ids:
            self._known[campaign_id].is_blocked = True

    def _served_or_none(self, session: Session, campaign: Campaign, now: datetime) -> Served | None:
        """None while a file of it waits to be uploaded, which the schedule sees to (jobs.media.renewal)."""
        try:
            return self._served(session, campaign, now)
        except MediaNotReadyError as error:
            if campaign.id not in self._unready:
                log.warning("campaign %d waits for its media: %s", campaign.id, error)
            self._unready.add(campaign.id)
            return None

    def _served(self, session: Session, campaign: Campaign, now: datetime) -> Served:
        served = self._known.get(campaign.id)
        pace = per_second(campaign)
        if served is not None:
            served.per_second = pace
            served.is_blocked = served.is_pausing  # the database says that it is active (again)
            return served
        template = campaign.template
        if template is None:
            raise LookupError(f"campaign {campaign.id} is active without a template")
        content = content_of(campaign)
        catalogs = linked_catalogs(session, template.waba_id) if content.skus() else ()
        builder = TemplateBuilder(
            name=template.name,
            language=template.language,
            components=template.components,
            parameter_format=template.parameter_format,
            content=resolve_content(session, self._number.id, content, now),
            installation=self._rt.installation,
            catalog_id=catalogs[0].meta_id if catalogs else None,
        )
        served = self._known[campaign.id] = Served(
            campaign.id, campaign.name, pace, builder, load_guard(self._rt.redis, campaign.id)
        )
        return served


def per_second(campaign: Campaign) -> float:
    """The campaign's pace in messages per second."""
    if campaign.pace_per_hour is not None:
        return campaign.pace_per_hour / SECONDS_PER_HOUR
    return campaign.pace_per_second or DEFAULT_PER_SECOND
