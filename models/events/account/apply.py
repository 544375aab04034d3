"""Applies changes of templates, numbers, accounts and preferences, each once, and only if newer by Meta's time.

They arrive in any order and repeatedly, for up to seven days (docs/meta.md §7.3). Each is recorded in the audit, unknown fields
included.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.db.dialect import insert_into
from models.events.account import accounts as waba_events
from models.events.account import calls as call_events
from models.events.account import numbers as number_events
from models.events.account import templates as template_events
from models.events.account import user_preferences as preference_events
from models.events.account.update import AccountUpdate, ChangeResult, meta_enums
from models.events.types import AccountChange
from models.tables.audit import AuditAction
from models.tables.conversation import PurgedWamid
from models.tables.number import Number, Waba

REMEMBERED_FOR = timedelta(days=8)

HANDLERS: Mapping[str, Callable[[Session, AccountUpdate], None]] = {
    "message_template_status_update": template_events.template_status,
    "message_template_quality_update": template_events.template_quality,
    "message_template_components_update": template_events.template_components,
    "template_category_update": template_events.template_category,
    "phone_number_quality_update": number_events.number_quality,
    "phone_number_name_update": number_events.number_name,
    "business_capability_update": number_events.capability,
    "business_username_updates": number_events.username,
    "business_username_update": number_events.username,  # the name in older copies of Meta's documents
    "security": number_events.security,
    "account_update": waba_events.account_update,
    "account_review_update": waba_events.account_review,
    "account_alerts": waba_events.account_alert,
    "calls": call_events.calls,
    "user_preferences": preference_events.user_preferences,
}
PERSONAL = ("history", "smb_", "group_", "automatic_events")
"""Prefixes of fields that hold what people wrote or did elsewhere, in any number. Hark does not store them."""

_OF_A_PERSON = re.compile(r"user|name|author|contact|sender|recipient|profile|^(from|to)$", re.IGNORECASE)
"""What a field may be called whose word names a person: of a webhook that Hark does not know it is not recorded."""

OF_THE_PHONE_APP = ("history", "smb_")
"""Prefixes of the fields that only numbers send which are also used in the WhatsApp Business app."""


def apply_changes(session: Session, changes: Iterable[AccountChange], now: datetime) -> ChangeResult:
    """Apply a batch in the order of Meta's time; `now` stands in for a missing time."""
    result = ChangeResult()
    timed_changes = [(change, change.at or now) for change in changes]
    of_the_phone_app = [change for change, _ in timed_changes if change.field.startswith(OF_THE_PHONE_APP)]
    number_events.note_phone_app(session, number_events.phone_numbers_of(of_the_phone_app))
    for change, at in sorted(timed_changes, key=lambda pair: pair[1]):
        if change.field.startswith(PERSONAL):
            result.ignored += 1
            continue
        waba = _waba(session, change)
        if waba is None:
            result.unknown_accounts += 1
        elif not _is_first(session, change, now):
            result.repeated += 1
        else:
            HANDLERS.get(change.field, _record_unknown)(session, AccountUpdate(change, waba, at, now, result))
            session.flush()
            result.applied += 1
    return result


def _record_unknown(session: Session, update: AccountUpdate) -> None:
    """Record an unknown field, or errors that belong to no message, in the audit."""
    errors = update.value.get("errors")
    codes = [item.get("code") for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []
    update.audit(
        session,
        AuditAction.UNKNOWN_WEBHOOK,
        "waba",
        update.waba.id,
        field=update.change.field[:80],
        said={name: word for name, word in meta_enums(update.value).items() if not _OF_A_PERSON.search(name)},
        keys=sorted(update.value)[:20],
        codes=codes[:10],
    )


def _waba(session: Session, change: AccountChange) -> Waba | None:
    """Return the account, locked, so that two consumers apply its events one after the other."""
    is_account = Waba.waba_id == (_signed_for(change) or change.waba_id)
    if not change.waba_id and change.value.get("number"):
        is_account = Waba.id.in_(select(Number.waba_id).where(Number.phone_number_id == str(change.value["number"])))
    return session.scalars(
        select(Waba).where(is_account).with_for_update(of=Waba), execution_options={"populate_existing": True}
    ).first()


def _signed_for(change: AccountChange) -> str | None:
    """The account whose terms were signed: the webhook may come under the id of a partner (docs/meta.md §2.6)."""
    info = change.value.get("waba_info")
    if change.value.get("event") != waba_events.TERMS_SIGNED or not isinstance(info, dict):
        return None
    waba_id = info.get("waba_id")
    return waba_id if isinstance(waba_id, str) and waba_id else None


def _is_first(session: Session, change: AccountChange, now: datetime) -> bool:
    """Store the hash of the change while Meta may repeat it. Return False if it was stored before."""
    value = json.dumps(change.value, sort_keys=True, default=str)
    at = change.at.isoformat() if change.at else ""
    key = sha256(f"change\n{change.waba_id}\n{at}\n{change.field}\n{value}".encode()).hexdigest()
    statement = insert_into(session, PurgedWamid).values(hash=key, expires_at=now + REMEMBERED_FOR)
    statement = statement.on_conflict_do_nothing(index_elements=["hash"]).returning(PurgedWamid.hash)
    return session.scalar(statement) is not None
