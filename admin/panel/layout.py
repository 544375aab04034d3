"""What every page has: assets, the menu, filters, the token."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, g, url_for
from markupsafe import Markup

from admin.auth.web_security import csrf_token, current_user, runtime
from admin.panel import format as fmt
from admin.panel import labels as words
from admin.panel.audience.rule_form import listed
from models.clock import utcnow
from models.stored_texts import show_stored
from models.tables.contact import Consent
from models.tables.user import Role
from models.text import Text

HERE = Path(__file__).resolve().parent.parent
ASSETS = HERE / "static"
_YEAR_SECONDS = 365 * 86_400


def init_app(app: Flask) -> None:
    """Templates, assets and what templates may call."""
    assets = Blueprint(
        "panel_assets", __name__, url_prefix="/admin/assets", static_folder=str(ASSETS), static_url_path="",
        template_folder=str(HERE / "templates"),
    )  # fmt: skip
    app.register_blueprint(assets)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        when=_when,
        ago=_ago,
        number=fmt.number,
        span=fmt.span,
        listed=listed,
        percent=fmt.percent,
        plain=fmt.plain,
        word=lambda text: text.replace("_", " "),
        shown=_sentence,
    )
    app.jinja_env.globals.update(
        asset=asset, csrf_token=csrf_token, csrf_field=csrf_field, words=words, someone=current_user, known=_known, roles=Role,
        words_of_consent=_consents, pairs=_pairs,
    )  # fmt: skip


def _sentence(value: object) -> object:
    """What a row keeps of a sentence, or a text, in the reader's language; any other value as it is."""
    if isinstance(value, Text):
        return value.translated()
    return show_stored(value) if value is None or isinstance(value, str) else value


@cache
def _digest(name: str, _changed: float) -> str:
    return hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of a file of ours; it changes with the file, so a browser may keep it."""
    return url_for("panel_assets.static", filename=name, v=_digest(name, (ASSETS / name).stat().st_mtime))


def csrf_field() -> Markup:
    """The hidden field of every form that changes something."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token())


def now() -> datetime:
    """One moment for the whole page."""
    if "now" not in g:
        g.now = utcnow()
    moment: datetime = g.now
    return moment


def _when(moment: datetime | None) -> Markup:
    return fmt.when(moment, runtime().settings.time_zone, now())


def _ago(moment: datetime | None) -> str:
    return fmt.ago(moment, now())


def _known(table: Mapping[Any, words.Badge], key: Any) -> words.Badge:
    """The badge of a word; one of Meta's that we have none for is shown as it is."""
    return table.get(key) or words.Badge(str(key).replace("_", " ").capitalize(), "quiet")


def _consents(allowed: Sequence[Consent]) -> list[tuple[str, str]]:
    """Consents to choose from."""
    return [(consent.value, words.CONSENT[consent].text) for consent in allowed]


def _pairs(keys: Sequence[str], texts: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Values to choose from, with their words."""
    return [(key, (texts or {}).get(key, key.replace("_", " "))) for key in keys]
