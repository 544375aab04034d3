"""The only wiring. `flask …` and granian find `create_app` here; nothing connects before it is used."""

from typing import TYPE_CHECKING

from flask import Flask

from admin import cli
from jobs.core.loader import load

if TYPE_CHECKING:
    from models.config import Settings


def create_app(settings: "Settings | None" = None) -> Flask:
    """The application with everything that it serves. Raises SettingsError if the environment is wrong."""
    app = Flask("hark", static_folder=None)
    cli.init_app(app)
    if settings is None and cli.is_looking_for_a_command():
        return app  # commands read the settings when they run: `flask demo` must not read yours
    load("admin.site:init_app")(app, settings)
    return app
