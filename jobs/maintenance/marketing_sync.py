"""Reads whether our accounts may use the Marketing Messages API, and in which currency Meta bills them, and stores it."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from bot.meta.management import GraphError
from bot.meta.marketing import MarketingState, marketing_state
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import SYNC_MARKETING
from jobs.maintenance.meta_sync import management_client
from models.clock import utcnow
from models.stored_texts import META_SAYS
from models.tables.number import Number, Waba

log = logging.getLogger("hark.sync")

MAX_AGE = timedelta(hours=24)
MAX_AGE_IN_USE = timedelta(minutes=30)
"""Of an account with a number that sends by that API."""


def sync_marketing(waba_pk: int) -> None:
    """The job: reads one account. What Meta refuses stands in its row."""
    rt = runtime()
    SYNC_MARKETING.started(rt.redis, waba_pk)
    try:
        read_marketing_state(rt, waba_pk, utcnow())
    except GraphError as error:
        log.warning("account %s: %s", waba_pk, error)


def read_marketing_state(rt: Runtime, waba_pk: int, now: datetime) -> MarketingState:
    """Ask Meta about an account and store her answer; what she does not say stays as it is known.

    Raises GraphError if she refuses or cannot be reached, which the row keeps, and LookupError if the account has no number.
    """
    with rt.database.read() as session:
        number = session.scalars(select(Number).where(Number.waba_id == waba_pk).order_by(Number.id)).first()
        if number is None:
            raise LookupError(f"account {waba_pk} has no number")
        waba_id = number.waba.waba_id
    try:
        with management_client(rt, number) as graph:
            state = marketing_state(graph, waba_id)
    except GraphError as error:
        _store_failure(rt, waba_pk, error, now)
        raise
    _store(rt, waba_pk, state, now)
    return state


def wake_marketing(rt: Runtime, now: datetime) -> int:
    """Enqueue a reading of every account whose last one is too old; returns how many."""
    in_use = Waba.id.in_(select(Number.waba_id).where(Number.marketing_api.is_(True)))
    with rt.database.read() as session:
        accounts = session.scalars(
            select(Waba.id).where(
                Waba.id.in_(select(Number.waba_id)),
                or_(
                    Waba.marketing_read_at.is_(None),
                    Waba.marketing_read_at < now - MAX_AGE,
                    and_(in_use, Waba.marketing_read_at < now - MAX_AGE_IN_USE),
                ),
            )
        ).all()
    return sum(SYNC_MARKETING.enqueue(rt.redis, pk) for pk in accounts)


@retry_conflicts
def _store(rt: Runtime, waba_pk: int, state: MarketingState, now: datetime) -> None:
    with rt.database.write() as session:
        waba = _locked(session, waba_pk)
        if waba.marketing_read_at is not None and waba.marketing_read_at > now:
            return  # a later reading was faster
        waba.currency = state.currency or waba.currency
        waba.marketing_onboarding = state.onboarding or waba.marketing_onboarding
        waba.marketing_terms = state.terms or waba.marketing_terms
        if state.is_off_on_cloud_api is not None:
            waba.marketing_off_on_cloud_api = state.is_off_on_cloud_api
        waba.marketing_read_at, waba.marketing_error = now, None


@retry_conflicts
def _store_failure(rt: Runtime, waba_pk: int, error: GraphError, now: datetime) -> None:
    with rt.database.write() as session:
        waba = _locked(session, waba_pk)
        waba.marketing_error = META_SAYS(said=error).stored()
        if not error.is_transient:
            waba.marketing_read_at = now  # she would refuse it again at once


def _locked(session: Session, waba_pk: int) -> Waba:
    return session.scalars(
        select(Waba).where(Waba.id == waba_pk).with_for_update(of=Waba), execution_options={"populate_existing": True}
    ).one()
