"""Loads the campaigns that a lane serves: those of its number that have an open cohort with recipients due."""

import logging
from collections.abc import Collection, Sequence
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
from models.clicks.links import links_of
from models.sending.cohorts import cohort_content
from models.sending.number_rate import STANDARD_RATE, number_rate
from models.sending.open_cohorts import has_due, open_cohorts
from models.tables.campaign import DEFAULT_PER_SECOND, Campaign
from models.tables.cohort import Cohort
from models.tables.number import Number, Waba

SECONDS_PER_HOUR = 3600.0
log = logging.getLogger("hark.lane")


@dataclass(slots=True)
class Served:
    """One campaign as a lane serves it. `cohorts` are those with recipients due; the next chunk is claimed from the first.

    `is_blocked` is set as soon as a decisive error is read, `is_pausing` while the pause that follows is being written.
    """

    id: int
    name: str
    per_second: float
    guard: FailureGuard
    is_plain: bool = True
    """Whether everybody gets the same, so that a decisive error of the message is the campaign's."""
    cohorts: list["ServedCohort"] = field(default_factory=list)
    is_blocked: bool = False
    is_pausing: bool = False
    timetable: SendTimetable = field(default_factory=SendTimetable)


@dataclass(slots=True)
class ServedCohort:
    """One cohort of a campaign, with the builder of its messages as of `edition`. `is_pausing` as of Served."""

    id: int
    edition: int
    campaign: Served
    builder: TemplateBuilder
    is_blocked_alone: bool = False
    is_pausing: bool = False

    @property
    def is_blocked(self) -> bool:
        """Whether something that this lane read blocks the cohort or its campaign."""
        return self.is_blocked_alone or self.campaign.is_blocked


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
        self._cohorts: dict[tuple[int, int], ServedCohort] = {}
        self.messages_per_second = number.messages_per_second
        """The number's whole rate, as of the last reading."""

    def due(self, now: datetime) -> list[Served]:
        """Campaigns with recipients due, in the order of their ids; empty while the number is stopped or held."""
        with self._rt.database.read() as session:
            number = session.get_one(Number, self._number.id)
            self.messages_per_second = number_rate(number)
            if not number.may_send(now):
                self._block_others((), ())
                return []
            cohorts = open_cohorts(session, now, number_id=self._number.id)
            active_ids = {cohort.campaign_id for cohort in cohorts}
            self._block_others(active_ids, {cohort.id for cohort in cohorts})
            for campaign_id in self._known.keys() - active_ids:  # if it is resumed, it is judged by new results alone
                self._known[campaign_id].guard = FailureGuard()
            return self._served(session, now, [cohort for cohort in cohorts if has_due(session, cohort, now)])

    def remember(self) -> None:
        """Save the guards for the next lane. Raises RedisError if Redis is away."""
        for served in self._known.values():
            save_guard(self._rt.redis, served.id, served.guard)

    def _block_others(self, active_ids: Collection[int], cohort_ids: Collection[int]) -> None:
        """Block what is not open any more: rows that the lane claimed and did not begin go back to the queue."""
        for campaign_id in self._known.keys() - set(active_ids):
            self._known[campaign_id].is_blocked = True
        for key in self._cohorts:
            if key[0] not in cohort_ids:
                self._cohorts[key].is_blocked_alone = True

    def _served(self, session: Session, now: datetime, cohorts: Sequence[Cohort]) -> list[Served]:
        """The campaigns of these cohorts. The database says that they are open (again), so what blocked them is over."""
        due: dict[int, Served] = {}
        for cohort in cohorts:
            if not self._is_ready(session, cohort, now):
                continue
            served = due.get(cohort.campaign_id)
            if served is None:
                served = due[cohort.campaign_id] = self._campaign(cohort.campaign)
                served.cohorts = []
            served.cohorts.append(self._cohort(session, served, cohort, now))
        return list(due.values())

    def _is_ready(self, session: Session, cohort: Cohort, now: datetime) -> bool:
        """False while a file of its messages waits to be uploaded, which the schedule sees to (jobs.media.renewal)."""
        if (cohort.id, cohort.edition) in self._cohorts:
            return True
        try:
            resolve_content(session, self._number.id, cohort_content(cohort), now)
        except MediaNotReadyError as error:
            if cohort.id not in self._unready:
                log.warning("campaign %d waits for its media: %s", cohort.campaign_id, error)
            self._unready.add(cohort.id)
            return False
        return True

    def _campaign(self, campaign: Campaign) -> Served:
        served, pace = self._known.get(campaign.id), per_second(campaign)
        if served is None:
            guard, is_plain = load_guard(self._rt.redis, campaign.id), campaign.languages is None
            served = Served(campaign.id, campaign.name, pace, guard, is_plain)
            self._known[campaign.id] = served
        served.per_second, served.is_blocked = pace, served.is_pausing
        return served

    def _cohort(self, session: Session, served: Served, cohort: Cohort, now: datetime) -> ServedCohort:
        key = (cohort.id, cohort.edition)
        if key not in self._cohorts:
            builder = cohort_builder(session, cohort, self._number.id, self._rt.installation, now)
            self._cohorts[key] = ServedCohort(cohort.id, cohort.edition, served, builder)
        found = self._cohorts[key]
        found.is_blocked_alone = found.is_pausing
        return found


def cohort_builder(
    session: Session, cohort: Cohort, number_id: int, installation: str, now: datetime
) -> TemplateBuilder:
    """The builder of the cohort's messages. Raises MediaNotReadyError if a file of them was not uploaded."""
    template, content = cohort.template, cohort_content(cohort)
    catalogs = linked_catalogs(session, template.waba_id) if content.skus() else ()
    return TemplateBuilder(
        name=template.name,
        language=template.language,
        components=template.components,
        parameter_format=template.parameter_format,
        content=resolve_content(session, number_id, content, now),
        installation=installation,
        catalog_id=catalogs[0].meta_id if catalogs else None,
        links=links_of(session, cohort.campaign_id),
    )


def per_second(campaign: Campaign) -> float:
    """The campaign's pace in messages per second."""
    if campaign.pace_per_hour is not None:
        return campaign.pace_per_hour / SECONDS_PER_HOUR
    return campaign.pace_per_second or DEFAULT_PER_SECOND
