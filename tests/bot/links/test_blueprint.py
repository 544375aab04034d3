"""Tracked links without a front server."""

from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from bot.links.blueprint import make_link_blueprint
from bot.links.requests import click_stream, read_entry
from models.clicks.codes import LinkSigner
from models.config import Settings
from models.db.engine import Database
from models.tables.campaign import CampaignStatus
from models.tables.click import ClickKind
from tests.bot.links.test_user_agents import IPHONE
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.clicks import make_link


@pytest.mark.sqlite_only
def test_flask_answers_as_the_front_server_does(
    database: Database, database_url: str, redis: Redis, redis_url: str
) -> None:
    with database.write() as session:
        link = make_link(session, make_campaign(session, status=CampaignStatus.ACTIVE))
        code, url = LinkSigner(link.id, link.key).code(7), link.url
    app = Flask("links")
    app.register_blueprint(make_link_blueprint(Settings(database_url, redis_url, Path())))
    client = app.test_client()
    answer = client.get(f"/l/{code}?url=https://evil.example", headers={"User-Agent": IPHONE})
    assert (answer.status_code, answer.headers["Location"]) == (302, url)
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert client.head(f"/l/{code}", headers={"User-Agent": IPHONE}).status_code == 302
    assert {client.get(f"/l/{text}").status_code for text in ("x", f"{code}x", LinkSigner(9, "x").code(7))} == {404}
    assert {client.open(f"/l/{code}", method=method).status_code for method in ("POST", "OPTIONS")} == {405}
    stream = click_stream(redis)
    stream.make_group()
    kinds: list[ClickKind] = []
    while len(kinds) < 2:
        found = stream.read("c", 10, 5_000)
        assert found
        kinds += [read_entry(entry.raw).kind for entry in found]
    assert kinds == [ClickKind.PERSON, ClickKind.HEAD]
