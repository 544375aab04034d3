"""The only wiring. `flask …` and granian find `create_app` here; nothing connects before it is used."""

from flask import Flask

from admin import cli, panel
from admin.server import health, metrics
from bot.webhooks import shopify
from bot.webhooks import whatsapp as webhook
from jobs.core.runtime import Runtime
from models.config import Settings, load_settings


def create_app(settings: Settings | None = None) -> Flask:
    """The application with everything that it serves. Raises BadSettings."""
    app = Flask("hark", static_folder=None)
    cli.init_app(app)
    if settings is None and cli.is_looking_for_a_command():
        return app  # commands read the settings when they run: `flask demo` must not read yours
    rt = Runtime(settings or load_settings())
    app.secret_key = rt.settings.secret_key
    app.extensions["hark"] = rt
    endpoint = webhook.make_endpoint(rt.settings)
    app.register_blueprint(webhook.make_blueprint(endpoint))
    app.register_blueprint(shopify.make_shop_blueprint(shopify.make_shop_endpoint(rt.settings)))
    health.init_app(app, rt)
    metrics.init_app(app, rt)
    panel.init_app(app)
    app.wsgi_app = webhook.short_circuit(app.wsgi_app, endpoint)  # type: ignore[method-assign,assignment]
    return app
