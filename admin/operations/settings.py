"""Changes the settings that an operator decides while Hark runs. Settings of the environment are in `models.config`."""

from typing import Any

from admin.auth.factors import policy
from admin.auth.sso import roles
from bot.opt_out_words import is_yes, opt_out_intent, split_words
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.setting import KNOWN, read_setting, write_setting

HIDDEN = frozenset({"installation", "encryption_fingerprint", "marks_fingerprints"})
"""Written by Hark itself."""
SHOWN = tuple(key for key in KNOWN if key not in HIDDEN)
MAX_NUMBER = 1_000_000


@retry_conflicts
def change_setting(rt: Runtime, key: str, text: str, actor: str) -> None:
    """Store a value that is written as text. Raises OperatorError if the setting does not allow it."""
    value = _read(key, text.strip())
    if key == "local_sign_in" and value is False and rt.settings.oidc is None:
        raise OperatorError("no: nobody could sign in, since single sign-on is not set up (OIDC_ISSUER)")
    with rt.database.write() as session:
        write_setting(session, key, value, utcnow())
        record_audit(session, utcnow(), actor, AuditAction.CHANGE, "setting", key, value=value)


def set_setting(rt: Runtime, name: str, text: str, actor: str) -> dict[str, Any]:
    """Change a setting by name; returns its entry of `show_settings`.

    Raises OperatorError if there is no such setting or it does not allow the value.
    """
    if name not in SHOWN:
        raise OperatorError(
            "{name}: there is no such setting; there are {allowed}", name=name[:40], allowed=", ".join(SHOWN)
        )
    try:
        change_setting(rt, name, text, actor)
    except OperatorError as error:
        raise OperatorError("{name}: {error}", name=name, error=error) from None
    return next(line for line in show_settings(rt) if line["key"] == name)


def show_settings(rt: Runtime) -> list[dict[str, Any]]:
    """Every setting: `{"key", "value", "text"}`; `text` says what it does."""
    with rt.database.read() as session:
        return [{"key": key, "value": read_setting(session, key), "text": KNOWN[key].text} for key in SHOWN]


def _read(key: str, text: str) -> Any:
    default = KNOWN[key].default
    if isinstance(default, bool):
        if text not in {"yes", "no", ""}:
            raise OperatorError("{text}: allowed are yes and no", text=text[:20])
        return text == "yes"
    if isinstance(default, int):
        lowest, highest = KNOWN[key].lowest, KNOWN[key].highest
        if not text.isascii() or not text.isdigit() or not lowest <= int(text[:12]) <= highest:
            raise OperatorError(
                "“{text}”: allowed is a whole number from {lowest} to {highest}",
                text=text[:20],
                lowest=lowest,
                highest=highest,
            )
        return int(text)
    if isinstance(default, float):
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number <= MAX_NUMBER:
            raise OperatorError(
                "“{text}”: allowed is a number from 0 to {max_number}", text=text[:20], max_number=MAX_NUMBER
            )
        return number
    if len(text) > 500:
        raise OperatorError("allowed are 500 characters")
    if key == "stop_words":
        _check_stop_words(text)
    elif key == policy.SETTING:
        return ", ".join(policy.read_roles(text))
    elif key == roles.SETTING:
        roles.read_mapping(text)
    return text


def _check_stop_words(text: str) -> None:
    for word, folded in split_words(text).items():
        if not folded:
            raise OperatorError("“{word}”: a word needs letters or digits, and at most 200 characters", word=word[:40])
        if opt_out_intent(word) == "start" or is_yes(word):
            raise OperatorError("“{word}”: it means the opposite: it subscribes people", word=word[:40])
