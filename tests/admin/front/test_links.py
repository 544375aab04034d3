"""Tracked links at the front server, over real connections."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from bot.links.requests import KEY, click_stream, read_entry
from models.clicks.codes import LinkSigner
from models.db.engine import Database
from models.tables.campaign import CampaignStatus
from models.tables.click import ClickKind, DeviceClass
from tests.bot.links.test_user_agents import IPHONE
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.clicks import make_link
from tests.support.front_rig import Front, front_settings, get, running_front, status_of

pytestmark = pytest.mark.sqlite_only
NOWHERE = "unix:///tmp/no-such-redis.sock"
URL = "https://shop.example.com/spring?a=1&b=%20#top"


@pytest.fixture
def signer(database: Database) -> LinkSigner:
    with database.write() as session:
        link = make_link(session, make_campaign(session, status=CampaignStatus.ACTIVE), url=URL)
        return LinkSigner(link.id, link.key)


@pytest.fixture
def link_front(database_url: str, directory: Path, redis: Redis, redis_url: str, signer: LinkSigner) -> Iterator[Front]:
    settings = replace(front_settings(directory, redis_url), database_url=database_url)
    with running_front(settings) as running:
        yield running


def kept(redis: Redis, count: int) -> list[tuple[int, ClickKind, DeviceClass]]:
    """The requests in the stream, once there are so many."""
    stream = click_stream(redis)
    stream.make_group()
    rows: list[tuple[int, ClickKind, DeviceClass]] = []
    while len(rows) < count:
        found = [read_entry(entry.raw) for entry in stream.read("c", 100, 5_000)]
        assert found, f"{len(rows)} of {count} requests came"
        rows += [(request.recipient_id, request.kind, request.device) for request in found]
    return rows


def test_a_code_leads_to_where_the_campaign_said_and_is_noted(
    link_front: Front, redis: Redis, signer: LinkSigner
) -> None:
    code = signer.code(7)
    answers = [
        link_front.ask(get(f"/l/{code}", f"User-Agent: {IPHONE}"), port)
        for port in (link_front.port, link_front.own_port)
    ]
    answers.append(link_front.ask(get(f"/l/{code}?url=https://evil.example&click_id=1", f"User-Agent: {IPHONE}")))
    head = get(f"/l/{code}", f"User-Agent: {IPHONE}").replace(b"GET", b"HEAD")
    answers += [link_front.ask(head), link_front.ask(get(f"/l/{code}", "User-Agent: WhatsApp/2.23.20.0 A"))]
    answers.append(link_front.ask(get(f"/l/{code}")))
    for answer in answers:
        lines = answer.decode().split("\r\n")
        assert status_of(answer) == 302
        assert f"Location: {URL}" in lines
        assert {"Cache-Control: no-store", "Referrer-Policy: no-referrer", "Server: hark"} <= set(lines)
        assert answer.endswith(b"\r\n\r\n")
    phone, other = DeviceClass.PHONE, DeviceClass.OTHER
    assert sorted(kept(redis, 6), key=str) == sorted(
        [
            *[(7, ClickKind.PERSON, phone)] * 3,
            (7, ClickKind.HEAD, phone),
            (7, ClickKind.PREVIEW, other),
            (7, ClickKind.BOT, other),
        ],
        key=str,
    )


def test_what_nobody_signed_is_there_as_little_as_what_does_not_exist(
    link_front: Front, redis: Redis, signer: LinkSigner
) -> None:
    code = signer.code(7)
    forged, unknown = LinkSigner(signer.link_id, "x").code(7), LinkSigner(signer.link_id + 1, signer.key).code(7)
    paths = [f"/l/{text}" for text in (forged, unknown, "", "x", f"{code}/", f"{code}x", f"{code}/../{code}", "%2e%2e")]
    answers = [link_front.ask(get(path)) for path in paths]
    assert {status_of(answer) for answer in answers} == {404}
    assert len({answer.split(b"\r\n\r\n")[1] for answer in answers}) == 1
    for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS"):
        answer = link_front.ask(get(f"/l/{code}").replace(b"GET", method))
        assert (status_of(answer), b"\r\nAllow: GET, HEAD\r\n" in answer) == (405, True)
    assert redis.xlen(KEY) == 0


def test_people_are_redirected_while_redis_is_away(database_url: str, directory: Path, signer: LinkSigner) -> None:
    settings = replace(front_settings(directory, NOWHERE), database_url=database_url)
    with running_front(settings) as running:
        for _ in range(3):
            assert status_of(running.ask(get(f"/l/{signer.code(1)}", f"User-Agent: {IPHONE}"))) == 302
    assert running.server._links.lost["redis"] == 3


def test_without_a_database_it_says_so_at_once(directory: Path, redis_url: str) -> None:
    with running_front(front_settings(directory, redis_url)) as running:
        answer = running.ask(get(f"/l/{LinkSigner(1, 'k').code(1)}"))
    assert (status_of(answer), b"\r\nRetry-After: 2\r\n" in answer) == (503, True)
