"""Checks the code that a user types as the second step of a sign-in, or to confirm that it is them."""

from datetime import datetime

from admin.auth.attempts import count_outcome, forget_factor_attempts, take_factor_attempt
from admin.auth.factors.recovery_codes import codes_left, use_code
from admin.auth.factors.totp import looks_like_totp, use_totp
from admin.auth.sign_in import STRANGER
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.browser_session import SignInMethod

WRONG = "The code is not right, or was used before."


def check_typed_code(
    rt: Runtime, user_id: int, email: str, text: str, now: datetime, *, device: str | None = None
) -> SignInMethod:
    """Use a code of the authenticator app or a recovery code; returns which it was.

    `device` is the cookie of this browser, if it has one (admin.auth.attempts).
    Raises TooManyAttemptsError if the attempt comes too early, OperatorError if the code is wrong or was used before.
    """
    is_totp = looks_like_totp(text)
    # Six digits can be guessed where nothing counts the attempts; a recovery code cannot.
    take_factor_attempt(rt, email, device, must_count=is_totp)
    if not _use(rt, user_id, email, text, now, is_totp=is_totp):
        count_outcome(rt, "factor_failed")
        raise OperatorError(WRONG)
    forget_factor_attempts(rt, email, device)
    return SignInMethod.TOTP if is_totp else SignInMethod.RECOVERY_CODE


@retry_conflicts
def _use(rt: Runtime, user_id: int, email: str, text: str, now: datetime, *, is_totp: bool) -> bool:
    """Whether the code is right, and used by this. The attempt was counted before: it is one, however often this is repeated."""
    with rt.database.write() as session:
        if is_totp:
            is_right = use_totp(session, rt.vault, user_id, text, now)
        else:
            is_right = use_code(session, user_id, text, now)
            if is_right:
                left = codes_left(session, user_id)
                record_audit(session, now, email, AuditAction.RECOVERY_CODE_USED, "user", user_id, left=left)
        if not is_right:
            record_audit(session, now, STRANGER, AuditAction.FACTOR_FAILED, "user", user_id)
    return is_right
