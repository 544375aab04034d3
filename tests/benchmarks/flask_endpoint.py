"""The product's endpoint as a plain Flask view, without the short cut before Flask's stack: a part of `ingest_bench`."""

from flask import Flask

from bot.webhooks.whatsapp import make_blueprint, make_endpoint
from models.config import load_settings

app = Flask("bench", static_folder=None)
app.register_blueprint(make_blueprint(make_endpoint(load_settings())))
