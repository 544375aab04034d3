"""The application on other settings."""

from typing import Any

from flask import Flask

from models.config import Settings
from wsgi import create_app


def app_with(settings: Settings, **changes: Any) -> Flask:
    return create_app(Settings(**({**settings.__dict__} | changes)))
