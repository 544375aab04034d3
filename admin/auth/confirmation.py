"""Says what somebody who is signed in must confirm to be themselves for, again, before it is done.

A session may be left open at a desk, or be copied. So what would outlive it needs a proof that is minutes old (the setting
`confirm_minutes`): signing in is one, and so is each way that `admin.panel.confirm` offers. The rule has two parts:

- whatever gives, changes or takes access to Hark: users, roles, passwords of others, second factors, phones that give commands,
  tokens, and the settings, which say how people sign in;
- whatever takes out people by the list: exports of more people than one.

What only takes access away from oneself (signing out, ending one's sessions) never waits for it, and the commands of the server
ask nothing: who may run them has everything already.
"""

from datetime import datetime

from admin.auth.attempts import count_outcome, forget_attempts, take_attempt
from admin.auth.passwords import verify_password
from admin.auth.sessions import OpenSession
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.tables.audit import AuditAction, record_audit
from models.tables.user import User

ACCESS = frozenset({
    "panel_users.add", "panel_users.role", "panel_users.reset", "panel_users.active", "panel_users.link_code", "panel_users.unlink",
    "panel_account.link_code", "panel_settings.change", "panel_numbers.add", "panel_users.reset_factors",
    "panel_users.unlink_account", "panel_second_factor.begin_app", "panel_second_factor.app", "panel_second_factor.passkey",
    "panel_second_factor.remove_app", "panel_second_factor.remove_passkey", "panel_second_factor.new_codes",
})  # fmt: skip
"""Endpoints that change who has access."""
EXPORTS = frozenset({
    "panel_campaigns.export", "panel_campaigns.export_xlsx", "panel_campaigns.export_columns", "panel_contacts.proof",
    "panel_exports.index", "panel_exports.segment", "panel_exports.cases", "panel_exports.orders",
    *(f"panel_exports.{noun}_{kind}" for noun in ("contacts", "segment", "cases", "orders") for kind in ("csv", "xlsx")),
})  # fmt: skip
"""Endpoints whose answer is a file with many people, or with all the evidence about one."""


def needs_confirmation(endpoint: str | None) -> bool:
    """Whether the user must have proved, in the last minutes, that it is them."""
    return endpoint in ACCESS or endpoint in EXPORTS


def is_own_password(
    rt: Runtime, open_session: OpenSession, password: str, address: str, now: datetime, *, device: str | None
) -> bool:
    """Whether it is the password of the session's user. `device` is the cookie of this browser, if it has one.

    A wrong one is counted and noted. Raises TooManyAttemptsError if the attempt comes too early.
    """
    user = open_session.user
    take_attempt(rt, user.email, address, device)
    with rt.database.read() as session:
        stored = session.get_one(User, user.id).password_hash
    if not verify_password(stored, password):
        record_failure(rt, open_session, now)
        return False
    forget_attempts(rt, user.email, device)
    return True


@retry_conflicts
def record_failure(rt: Runtime, open_session: OpenSession, now: datetime) -> None:
    """Count a confirmation that failed, and note it in the audit."""
    with rt.database.write() as session:
        user = open_session.user
        record_audit(session, now, user.email, AuditAction.CONFIRM_FAILED, "user", user.id)
    count_outcome(rt, "confirm_failed")
