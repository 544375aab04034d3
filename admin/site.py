"""Registers what the web process serves: webhooks, links, health, metrics, panel. `wsgi.py` loads it late, so commands skip it."""

from flask import Flask

from admin import panel
from admin.front.panel_link import with_peer_address
from admin.server import health, metrics, shell
from bot.links.blueprint import make_link_blueprint
from bot.webhooks import shopify
from bot.webhooks import whatsapp as webhook
from jobs.core.runtime import Runtime
from models.config import Settings, load_settings


def init_app(app: Flask, settings: Settings | None) -> None:
    """Register every blueprint and the panel. Raises SettingsError if `settings` is None and the environment is wrong."""
    rt = Runtime(settings or load_settings())
    app.secret_key = rt.settings.secret_key
    app.extensions["hark"] = rt
    endpoint = webhook.make_endpoint(rt.settings)
    app.register_blueprint(webhook.make_blueprint(endpoint))
    app.register_blueprint(shopify.make_shop_blueprint(shopify.make_shop_endpoint(rt.settings)))
    app.register_blueprint(make_link_blueprint(rt.settings))
    health.init_app(app, rt)
    metrics.init_app(app, rt)
    shell.init_app(app, rt)
    panel.init_app(app)
    wsgi_app = with_peer_address(app.wsgi_app, rt.settings.secret_key)
    app.wsgi_app = webhook.short_circuit(wsgi_app, endpoint)  # type: ignore[method-assign,assignment]
