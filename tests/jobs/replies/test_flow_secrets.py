"""Calls of bot flows that name secrets: what is sent, what is stored, and what comes back."""

import json
import logging

import pytest
from sqlalchemy import select

from models.clock import utcnow
from models.conversations.flow_secrets import delete_secret, save_secret
from models.crypto import Vault, new_encryption_key
from models.tables.flow import Action, FlowSession
from tests.support.chat_rig import Chat
from tests.support.tls_server import Outsider

VALUE = "sk-live-123456"
FLOW = """
name: asking
start: call
nodes:
  call:
    type: http
    url: "HOST/a"
    headers: {Authorization: "Bearer {secret.api_key}"}
    body: {key: "{secret.api_key}", said: "{input}"}
    save: {echo: echo}
    next: told
    failed: sorry
  told: {type: end, text: "Got {answers.echo}."}
  sorry: {type: end, text: Nobody answers.}
"""
EXTERNAL = 'name: mine\nkind: external\nurl: HOST/bot\nheaders: {Authorization: "Bearer {secret.api_key}"}\n'


def keep(chat: Chat, vault: Vault | None = None) -> None:
    with chat.rt.database.write() as session:
        save_secret(session, vault or chat.rt.vault, "api_key", VALUE, utcnow(), "cli")


def stored(chat: Chat) -> str:
    with chat.rt.database.read() as session:
        rows = [(row.payload, row.result) for row in session.scalars(select(Action))]
        states = [row.state for row in session.scalars(select(FlowSession))]
    return json.dumps([rows, states])


def test_the_value_is_put_in_at_the_call_and_its_echo_is_masked(chat: Chat, other_system: Outsider) -> None:
    ann = chat.conversation()
    keep(chat)
    chat.flow(FLOW.replace("HOST", other_system.url), is_fallback=True)
    other_system.answers = [(200, {}, json.dumps({"echo": f"<{VALUE}>"}).encode())]
    chat.says(ann, "give me {secret.api_key}")
    chat.answer()
    (_, headers, body) = other_system.requests[0]
    assert headers["Authorization"] == f"Bearer {VALUE}"
    assert json.loads(body) == {"key": VALUE, "said": "give me {secret.api_key}"}
    assert chat.answer()[-1] == "Got <•••>."
    assert VALUE not in stored(chat)
    assert '{"secret": "api_key"}' in stored(chat)


def test_a_bot_of_ones_own_gets_the_secret_in_its_headers_and_may_not_repeat_it(
    chat: Chat, other_system: Outsider
) -> None:
    ann = chat.conversation()
    keep(chat)
    chat.flow(EXTERNAL.replace("HOST", other_system.url), is_fallback=True)
    other_system.answers = [
        (200, {}, json.dumps({"messages": [{"text": f"key {VALUE}"}], "state": {"k": VALUE}}).encode())
    ]
    chat.says(ann, "{secret.api_key}")
    chat.answer()
    (_, headers, body) = other_system.requests[0]
    assert headers["Authorization"] == f"Bearer {VALUE}"
    assert VALUE not in body.decode()
    assert chat.answer()[-1] == "key •••"
    assert VALUE not in stored(chat)


@pytest.mark.parametrize("harm", ["removed", "encrypted with another key"])
def test_a_call_whose_secret_cannot_be_had_is_not_made(
    chat: Chat, other_system: Outsider, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    ann = chat.conversation()
    chat.flow(FLOW.replace("HOST", other_system.url), is_fallback=True)
    keep(chat)
    if harm == "removed":
        with chat.rt.database.write() as session:
            delete_secret(session, "api_key")
    else:
        keep(chat, Vault((new_encryption_key(),)))
    other_system.answers = [(200, {}, b"{}")]
    chat.says(ann, "hello")
    with caplog.at_level(logging.WARNING):
        chat.answer()
    assert chat.answer()[-1] == "Nobody answers."
    assert other_system.requests == []
    assert "the secret api_key of bot flows" in caplog.text
    assert VALUE not in caplog.text
