"""Provides what every page of the panel needs: assets, template filters and globals."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, g, url_for
from markupsafe import Markup

from admin.auth.web_security import csrf_token, current_user, runtime
from admin.panel import labels
from admin.panel.format import ago, full_moment, number, percent, plain, span, when
from admin.panel.media_words import media_facts, media_type
from bot.preview import stylesheet
from bot.preview.bubble import Bubble
from bot.preview.draw import draw
from bot.preview.look import Look
from models.campaigns.stats import share_text
from models.clock import utcnow
from models.stored_texts import show_stored
from models.tables.contact import Consent
from models.tables.user import Role
from models.text import Text

ADMIN_DIRECTORY = Path(__file__).resolve().parent.parent
ASSETS = ADMIN_DIRECTORY / "static"


def init_app(app: Flask) -> None:
    """Register the assets, and the filters and globals that templates use."""
    assets = Blueprint(
        "panel_assets", __name__, url_prefix="/admin/assets", static_folder=str(ASSETS), static_url_path="",
        template_folder=str(ADMIN_DIRECTORY / "templates"),
    )  # fmt: skip
    app.register_blueprint(assets)
    drawn = Blueprint(
        "preview_assets", __name__, url_prefix="/admin/assets/preview", static_folder=str(stylesheet.DIRECTORY), static_url_path="",
    )  # fmt: skip
    app.register_blueprint(drawn)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        when=_when,
        moment=_moment,
        share=share_text,
        ago=_ago,
        number=number,
        span=span,
        percent=percent,
        plain=plain,
        word=lambda text: text.replace("_", " "),
        shown=_sentence,
        media_type=media_type,
        media_facts=media_facts,
    )
    app.jinja_env.globals.update(
        asset=asset, csrf_token=csrf_token, csrf_field=csrf_field, words=labels, someone=current_user, known=_badge, roles=Role,
        time_zone=_time_zone, words_of_consent=_consent_choices, pairs=_choices,
        preview_asset=preview_asset, draw_message=draw_message,
    )  # fmt: skip


def _sentence(value: object) -> object:
    """What a row keeps of a sentence, or a text, in the reader's language; any other value as it is."""
    if isinstance(value, Text):
        return value.translated()
    return show_stored(value) if value is None or isinstance(value, str) else value


@cache
def _digest(file: Path, _changed: float) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]


def asset(name: str, directory: Path = ASSETS, endpoint: str = "panel_assets.static") -> str:
    """The URL of a static file; it changes with the file, so a browser may cache it."""
    return url_for(endpoint, filename=name, v=_digest(directory / name, (directory / name).stat().st_mtime))


def preview_asset() -> str:
    """The URL of the style sheet of drawn messages."""
    return asset(stylesheet.NAME, stylesheet.DIRECTORY, "preview_assets.static")


def draw_message(bubble: Bubble, *, is_out: bool, stamp: str) -> Markup:
    """A message of a chat; `stamp` is what stands in its corner."""
    label = "Message from us" if is_out else "Message from them"
    return draw(bubble, Look(side="out" if is_out else "in", stamp=stamp, label=label, now=now().timestamp()))


def csrf_field() -> Markup:
    """The hidden field with the CSRF token, for every form that changes something."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token())


def now() -> datetime:
    """The moment of the request, the same for the whole page."""
    if "now" not in g:
        g.now = utcnow()
    moment: datetime = g.now
    return moment


def _when(moment: datetime | None) -> Markup:
    return when(moment, _time_zone(), now())


def _moment(moment: datetime | None) -> Markup:
    return full_moment(moment, _time_zone())


def _time_zone() -> str:
    """The business's time zone, in which every page shows its times."""
    return runtime().settings.time_zone


def _ago(moment: datetime | None) -> str:
    return ago(moment, now())


def _badge(table: Mapping[Any, labels.Badge], key: Any) -> labels.Badge:
    """The badge of a key; a word of Meta's without a badge is shown as it is."""
    return table.get(key) or labels.Badge(str(key).replace("_", " ").capitalize(), "quiet")


def _consent_choices(allowed: Sequence[Consent]) -> list[tuple[str, str]]:
    """Consents as (value, label), for a select."""
    return [(consent.value, labels.CONSENT[consent].text) for consent in allowed]


def _choices(keys: Sequence[str], texts: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Keys as (key, label), for a select."""
    return [(key, (texts or {}).get(key, key.replace("_", " "))) for key in keys]
