"""Every format from the campaign file to the tap: what leaves, what the phone shows, and what stands on the recipient."""

import csv
import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bot.sandbox.seed import PHONE_NUMBER_ID, WABA_ID
from bot.sandbox.store import SandboxMessage
from bot.webhooks.parse import parse_payload
from jobs.campaigns.launch import launch_campaign
from jobs.core.shutdown import SHUTDOWN
from jobs.ingest.apply import apply_parsed
from jobs.sending.serve import serve
from models.tables.number import Number
from models.tables.recipient import Recipient
from models.tables.recipient_tap import RecipientTap
from models.templates.opt_out_buttons import button_place
from tests.support.cli_app import Shell, open_shell
from tests.support.message_formats import FORMATS, Format, comparable, with_ours
from tests.support.services import SqliteTemplate

PHONES = {each.name: f"+4477009{place:05}" for place, each in enumerate(FORMATS, start=1)}


@pytest.fixture(scope="module")
def all_formats(
    sqlite_template: SqliteTemplate, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    """One installation for all formats; each is sent to a person of its own."""
    directory = tmp_path_factory.mktemp("formats")
    with open_shell(directory, sqlite_template.copy_to(directory / "hark.db"), redis_url) as opened:
        opened.add_number()
        yield opened
    SHUTDOWN.clear()


def _sent(shell: Shell, each: Format) -> tuple[int, SandboxMessage]:
    """The campaign of this format after its person got it, and the message as Meta has it."""
    shell.meta.call(shell.meta.sim.world.add_template, WABA_ID, each.template)
    shell.ok("templates", "sync")
    people = f"phone,name,consent,consent_source,tags\n{PHONES[each.name]},Ana,subscribed,web,vip\n"
    shell.ok("contacts", "import", shell.file("people.csv", people))
    file = {
        "name": each.name,
        "number": PHONE_NUMBER_ID,
        "template": {"name": each.name, "language": "en"},
        "audience": {"include": [{"contact": PHONES[each.name]}]},
        **each.added,
    }
    created = shell.data("campaigns", "create", shell.file("campaign.json", file))
    assert created == {"id": created["id"], "status": "ready"}
    shell.ok("campaigns", "start", str(created["id"]))
    launch_campaign(created["id"])
    with shell.rt.database.read() as session:
        number_id = session.scalars(select(Number.id)).one()
    while serve(shell.rt, number_id):
        pass
    message = shell.meta.store.messages[-1]
    assert message.body is not None
    assert message.body["to"] == PHONES[each.name]
    return created["id"], message


def _taps(shell: Shell, message: SandboxMessage, place: int) -> None:
    """The person taps a choice of the message, and the webhook of it is applied."""
    inbound = shell.meta.call(shell.meta.sim.crowd.press, message, place, answers={"rating": "5"})
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": PHONE_NUMBER_ID},
        "messages": [inbound.raw],
    }
    change = {"field": "messages", "value": value}
    body = {"object": "whatsapp_business_account", "entry": [{"id": WABA_ID, "changes": [change]}]}
    apply_parsed(shell.rt, [parse_payload(json.dumps(body).encode())])


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_what_a_campaign_of_this_format_sends_and_what_becomes_of_a_tap(all_formats: Shell, each: Format) -> None:
    shell = all_formats
    campaign_id, message = _sent(shell, each)
    with shell.rt.database.read() as session:
        recipient = session.scalars(select(Recipient).where(Recipient.campaign_id == campaign_id)).one()
    ours = (f"h1b:{shell.rt.installation}:{recipient.id}", f"h1f:{shell.rt.installation}:{recipient.id}")
    assert message.body is not None
    assert comparable(message.body["template"]["components"]) == comparable(with_ours(each.sent, *ours))
    for place in each.taps:
        _taps(shell, message, place)
        _taps(shell, message, place)
    with shell.rt.database.read() as session:
        rows = session.scalars(select(RecipientTap).where(RecipientTap.recipient_id == recipient.id)).all()
    assert {(row.recipient_id, row.place) for row in rows} == {(recipient.id, tap) for tap in each.taps.values()}
    stats = shell.data("campaigns", "stats", str(campaign_id), "--json")
    assert {(button_place(row["index"], row["card"]), row["people"]) for row in stats["buttons"]} == {
        (tap, 1) for tap in each.taps.values()
    }
    shell.ok("campaigns", "export", str(campaign_id), "--output", str(shell.directory / "out.csv"))
    (row,) = csv.DictReader((shell.directory / "out.csv").open(encoding="utf-8"))
    exported = json.loads(row["buttons"] or "[]")
    assert {button_place(tap["index"], tap["card"]) for tap in exported} == set(each.taps.values())
    assert (row["replied_at"] != "") is bool(each.taps)
