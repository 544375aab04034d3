"""Shows what is held because the database was put back from a copy, and lets answers and timers go on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.restore.hold import current_hold
from models.restore.release import HeldRow, held_campaigns, may_have_been_sent, release_hold
from models.tables.database_hold import DatabaseHold, HoldCause

CAUSES = {
    HoldCause.BEHIND: "This database is older than what was sent from it.",
    HoldCause.NO_COPY: "This database has sent before, and nothing on this machine says how far it had come.",
    HoldCause.OUTSIDE: "Meta speaks of a message that this database has not sent yet.",
}


@dataclass(frozen=True, slots=True)
class HeldDatabase:
    """An open hold with the campaigns of the copy that have not ended since."""

    cause: HoldCause
    noticed_at: datetime
    is_marked: bool
    """Whether everybody who is known to have unsubscribed since was unsubscribed again."""
    campaigns: list[HeldRow]

    def to_json(self) -> dict[str, Any]:
        """As `flask db held --json` prints it."""
        return {
            "held": "database_restored",
            "cause": self.cause.value,
            "noticed_at": self.noticed_at.isoformat(),
            "campaigns": [
                {
                    "id": row.campaign_id,
                    "name": row.name,
                    "was": row.status.value,
                    "settled": row.is_settled,
                    "released": row.is_released,
                }
                for row in self.campaigns
            ],
        }


def read_held(rt: Runtime) -> HeldDatabase | None:
    """The open hold; None if nothing is held."""
    with rt.database.read() as session:
        hold = current_hold(session)
        return None if hold is None else _held_database(session, hold)


def _held_database(session: Session, hold: DatabaseHold) -> HeldDatabase:
    is_marked = hold.marks_done_at is not None
    return HeldDatabase(hold.cause, hold.noticed_at, is_marked, held_campaigns(session, hold))


def waits_for_start(rt: Runtime, campaign_id: int) -> bool:
    """Whether a start of this campaign must be asked for in spite of the older database."""
    with rt.database.read() as session:
        return may_have_been_sent(session, campaign_id)


@retry_conflicts
def release_database(rt: Runtime, actor: str) -> int:
    """Let answers and timers go on; campaigns are released one by one. Returns how many answers of the copy became unsure.

    Raises OperatorError if nothing is held.
    """
    with rt.database.write() as session:
        return release_hold(session, actor, utcnow())
