"""Stores the audit log: what was done, by whom, to which object."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db.base import Base, BigId
from models.personal_text import mask_people

META = "meta"
"""The actor of changes that Meta reported."""
SENDER = "sender"
"""The actor when Meta refuses what was sent, at once or later by webhook."""
MONITOR = "monitor"
"""The actor when the schedule acts by itself."""


class AuditAction(StrEnum):
    """What was done. `object_type` names the kind of object, so that `pause` is one action whoever paused the campaign.

    Stored as text: rows of earlier versions keep the actions that they were written with.
    """

    ACCOUNT_ALERT = "account_alert"
    ACCOUNT_RELEASED = "account_released"
    ACCOUNT_REVIEW = "account_review"
    ACCOUNT_UPDATE = "account_update"
    ACTIVATE = "activate"
    ADD = "add"
    ADD_MEMBERS = "add_members"
    BALANCE_USED = "balance_used"
    CALL_NOTICE = "call_notice"
    CALL_RECEIVED = "call_received"
    CHANGE = "change"
    CHANGE_END = "change_end"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - an action, no password
    CHANGE_ROLE = "change_role"
    CHANGE_SPEED = "change_speed"
    CLOSE = "close"
    CONFIRM = "confirm"
    CONFIRM_FAILED = "confirm_failed"
    CONSENT = "consent"
    CREATE = "create"
    DEACTIVATE = "deactivate"
    DELETE = "delete"
    DESCRIBE = "describe"
    DISCARD = "discard"
    DOWNLOAD = "download"
    DUPLICATE = "duplicate"
    END = "end"
    END_SESSION = "end_session"
    END_SESSIONS = "end_sessions"
    ENROLL_FACTOR = "enroll_factor"
    EXPORT = "export"
    FACTOR_FAILED = "factor_failed"
    FALLBACK = "fallback"
    FILL = "fill"
    HAND_TO_FLOW = "hand_to_flow"
    HOLD = "hold"
    IMPORT = "import"
    LEAVE_UNSURE = "leave_unsure"
    LINK_ACCOUNT = "link_account"
    LINK_CODE = "link_code"
    LINK_PHONE = "link_phone"
    LOAD = "load"
    MARKETING_RESUME = "marketing_resume"
    MARKETING_SIGNUP = "marketing_signup"
    MARKETING_STOP = "marketing_stop"
    MEND_PHONES = "mend_phones"
    MERGE = "merge"
    MESSAGING_LIMIT = "messaging_limit"
    MESSAGING_LIMIT_UNKNOWN = "messaging_limit_unknown"
    NUMBER_CHANGED = "number_changed"
    NUMBER_NAME = "number_name"
    NUMBER_QUALITY = "number_quality"
    NUMBER_REASSIGNED = "number_reassigned"
    NUMBER_SECURITY = "number_security"
    NUMBER_USERNAME = "number_username"
    OPEN = "open"
    NEW_RECOVERY_CODES = "new_recovery_codes"
    PAUSE = "pause"
    PREFERENCE_UNKNOWN = "preference_unknown"
    RECOVERY_CODE_USED = "recovery_code_used"
    REDACT = "redact"
    RELEASE_HOLD = "release_hold"
    RELEASE_NUMBER = "release_number"
    REMOVE_FACTOR = "remove_factor"
    REMOVE_MEMBERS = "remove_members"
    RENAME = "rename"
    REPLACE_TEMPLATE = "replace_template"
    REPLAY = "replay"
    RESEND_UNSURE = "resend_unsure"
    RESET_FACTORS = "reset_factors"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - an action, no password
    RESUME = "resume"
    RETRY = "retry"
    ROLL_BACK = "roll_back"
    SCHEDULE = "schedule"
    SET = "set"
    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_SLOWED = "sign_in_slowed"
    SIGN_ON_REFUSED = "sign_on_refused"
    SIGN_OUT = "sign_out"
    START = "start"
    STOP = "stop"
    SUBMIT = "submit"
    SYNC = "sync"
    TAG = "tag"
    TEMPLATE_CATEGORY_ANNOUNCED = "template_category_announced"
    TEMPLATE_NOTICE = "template_notice"
    TEMPLATE_TEXT_CHANGED = "template_text_changed"
    TEMPLATE_CATEGORY = "template_category"
    TEMPLATE_QUALITY = "template_quality"
    TEMPLATE_STATUS = "template_status"
    TEST = "test"
    TURN_OFF = "turn_off"
    UNLINK_ACCOUNT = "unlink_account"
    UNLINK_PHONE = "unlink_phone"
    UNKNOWN_TEMPLATE = "unknown_template"
    UNKNOWN_WEBHOOK = "unknown_webhook"
    UNLOCK = "unlock"
    UNPAUSE = "unpause"
    UNSCHEDULE = "unschedule"
    UNTAG = "untag"
    UPDATE = "update"
    USER_ID_CHANGED = "user_id_changed"


class Audit(Base):
    """One entry of the audit log: appended, never changed. It holds nothing that identifies a customer."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_object", "object_type", "object_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(254))
    """An e-mail, `cli`, `token:<name>`, or the part of Hark that acted (`monitor`, `meta`)."""
    action: Mapped[str] = mapped_column(String(100))
    object_type: Mapped[str] = mapped_column(String(50))
    object_id: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


UNSEALED = "unsealed audit"
"""In a session's `info`: the entries that it recorded and that are not in the chain yet (models.audit.seal)."""
ABOUT_USERS = frozenset({"case", "user"})
"""Types of objects whose details name nobody but users of the panel."""
_OF_THE_BUSINESS = "phone_number_id"
"""A detail that is a long number and nobody's."""


def record_audit(
    session: Session, now: datetime, actor: str, action: AuditAction, object_type: str, object_id: object, **detail: Any
) -> None:
    """Append an entry to the audit log; `detail` must hold no name of a person, no message text and no secret.

    Numbers, e-mail addresses and ids of people are masked, since an entry is never changed, by a redaction neither.
    """
    masked = mask_people(detail, keep_e_mails=object_type in ABOUT_USERS)
    if _OF_THE_BUSINESS in detail:
        masked[_OF_THE_BUSINESS] = detail[_OF_THE_BUSINESS]
    entry = Audit(at=now, actor=actor, action=action, object_type=object_type, object_id=str(object_id), detail=masked)
    session.add(entry)
    session.info.setdefault(UNSEALED, []).append(entry)
