"""Sets whether a number sends marketing by Meta's Marketing Messages API, and says how things stand."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.maintenance.marketing_sync import read_marketing_state
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import show_stored
from models.tables.audit import AuditAction, record_audit
from models.tables.number import ONBOARDED, MarketingPolicy, Number

OFF, ON = "off", "on"


@dataclass(frozen=True, slots=True)
class MarketingSetting:
    """A number's choice, and its account as Meta last described it. `shares_activity` None: as the account says at Meta."""

    number: int
    marketing_api: str
    policy: str | None
    shares_activity: bool | None
    onboarding: str | None
    is_ready: bool
    terms: str | None
    off_on_cloud_api: bool | None
    currency: str | None
    read_at: datetime | None
    error: str

    def to_json(self) -> dict[str, Any]:
        """The fields, as the command line prints them."""
        return asdict(self)


def marketing_setting(number: Number) -> MarketingSetting:
    """How things stand with a number, whose account is loaded."""
    waba = number.waba
    return MarketingSetting(
        number=number.id,
        marketing_api=ON if number.marketing_api else OFF,
        policy=number.marketing_policy.value if number.marketing_api and number.marketing_policy else None,
        shares_activity=number.marketing_activity_sharing,
        onboarding=waba.marketing_onboarding,
        is_ready=waba.marketing_onboarding == ONBOARDED,
        terms=waba.marketing_terms,
        off_on_cloud_api=waba.marketing_off_on_cloud_api,
        currency=waba.currency,
        read_at=waba.marketing_read_at,
        error=show_stored(waba.marketing_error),
    )


def show_marketing(rt: Runtime, number_id: int) -> MarketingSetting:
    """Return how things stand. Raises OperatorError if there is no such number."""
    with rt.database.read() as session:
        return marketing_setting(_existing(session.get(Number, number_id), number_id))


def refresh_marketing(rt: Runtime, number_id: int) -> MarketingSetting:
    """Ask Meta, then return how things stand. Raises OperatorError if there is no such number, GraphError if Meta refuses."""
    with rt.database.read() as session:
        waba_pk = _existing(session.get(Number, number_id), number_id).waba_id
    read_marketing_state(rt, waba_pk, utcnow())
    return show_marketing(rt, number_id)


@retry_conflicts
def set_marketing_api(
    rt: Runtime, number_id: int, policy: str | None, shares_activity: bool | None, actor: str
) -> MarketingSetting:
    """Let a number send marketing by the Marketing Messages API with this policy; None: by the Cloud API again.

    Running campaigns follow at their next chunk. Raises OperatorError if the policy is none of Meta's, or there is no such number.
    """
    if policy is not None and policy not in {*MarketingPolicy}:
        raise OperatorError(
            "policy={policy}: allowed are {allowed}", policy=policy[:40], allowed=", ".join(MarketingPolicy)
        )
    with rt.database.write() as session:
        number = _existing(session.get(Number, number_id), number_id)
        number.marketing_api = True if policy is not None else None
        number.marketing_policy = MarketingPolicy(policy) if policy is not None else None
        number.marketing_activity_sharing = shares_activity if policy is not None else None
        session.flush()
        setting = marketing_setting(number)
        record_audit(
            session, utcnow(), actor, AuditAction.UPDATE, "number", number_id,
            marketing_api=setting.marketing_api, policy=policy or "", shares_activity=str(setting.shares_activity),
        )  # fmt: skip
    return setting


def _existing(number: Number | None, number_id: int) -> Number:
    if number is None:
        raise OperatorError("number {number_id}: there is no such number", number_id=number_id)
    return number
