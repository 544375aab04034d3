"""Where bot flows may name secrets, and what a call that names one looks like before it is made."""

import pytest

from bot.flows.calls import Place
from bot.flows.load import read_flow
from bot.flows.secrets import resolved, secrets_of, with_secrets
from bot.outbound.rules import OutboundRules

PLACE = Place(OutboundRules(), frozenset({"key", "other"}))
CALL = "name: x\nstart: a\nnodes:\n  a:\n    type: http\n    url: https://api.acme.com/a\n"
EXTERNAL = "name: x\nkind: external\nurl: https://bot.acme.com/a\n"


def problems(text: str) -> tuple[str, ...]:
    return read_flow(text, "f", PLACE).problems


def test_headers_and_body_of_a_call_and_headers_of_a_bot_name_secrets() -> None:
    text = (
        CALL
        + '    headers: {A: "Bearer {secret.key}"}\n    body: {b: "{ secret.other }{phone}", c: "{{secret.none}}"}\n'
    )
    flow = read_flow(text, "f", PLACE).flow
    assert flow is not None
    assert secrets_of(flow) == {"key", "other"}
    bot = read_flow(EXTERNAL + 'headers: {A: "{secret.key}"}\n', "f", PLACE).flow
    assert bot is not None
    assert secrets_of(bot) == {"key"}


@pytest.mark.parametrize("field", ["headers", "body"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("{secret.unknown}", "f:7: nodes.a.FIELD.x: there is no secret unknown; set it with: flask flows secret set"),
        ("{secret.key|none}", "without a fallback"),
        ("{secret.}", "without a fallback"),
        ("{secret}", "without a fallback"),
        ("{Secret.key}", "without a fallback"),
        ("{secrets.key}", "without a fallback"),
        ("{secret.two words}", "without a fallback"),
    ],
)  # fmt: skip
def test_a_secret_that_is_not_there_or_is_not_written_as_one_is_refused(field: str, name: str, why: str) -> None:
    (problem,) = problems(f'{CALL}    {field}: {{x: "{name}"}}\n')
    assert why.replace("FIELD", field) in problem


@pytest.mark.parametrize(
    "text",
    [
        CALL.replace("/a\n", "/{secret.key}\n"),
        CALL.replace("/a\n", "/?k={secret.key}\n"),
        CALL + '    save: {x: "{secret.key}"}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: end, text: "{secret.key}"}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: handoff, reason: "{secret.key}"}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: ask, text: "{ secret . key }"}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: ask, text: hi, error: "{secret.key}"}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: ask, text: hi, expect: choice, choices: [{title: x, value: "{secret.key}"}]}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: message, text: hi, buttons: [{title: "{secret.key}"}]}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: message, text: hi, link: {title: x, url: "https://acme.com/{secret.key}"}}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: message, media: {kind: image, link: "https://acme.com/{secret.key}"}}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: set, tags: {x: "{secret.key}"}}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: set, attributes: {x: "{secret.key}"}}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: set, answers: {x: "{secret.key}"}}\n',
        'name: x\nstart: a\nnodes:\n  a: {type: branch, cases: [{when: {tag: t, is: "{secret.key}"}, next: a}], otherwise: a}\n',
        'name: x\ndescription: "{secret.key}"\nstart: a\nnodes:\n  a: {type: end}\n',
        'name: x\nkeywords: ["{secret.key}"]\nstart: a\nnodes:\n  a: {type: end}\n',
        EXTERNAL.replace("/a\n", "/{secret.key}\n"),
        EXTERNAL + 'description: "{secret.key}"\n',
    ],
)
def test_a_secret_is_refused_wherever_somebody_could_see_it(text: str) -> None:
    assert any(
        "a secret is not allowed here; allowed: headers and body of an http node" in line for line in problems(text)
    )


def test_a_name_that_a_customer_writes_is_text() -> None:
    pieces = with_secrets("a {secret.key} b", lambda piece: piece.replace("b", "{secret.key}"))
    assert pieces == ["a ", {"secret": "key"}, " {secret.key}"]
    assert resolved(pieces, {"key": "1234"}) == "a 1234 {secret.key}"
    assert resolved("{secret.key}", {"key": "1234"}) == "{secret.key}"
    with pytest.raises(KeyError, match="key"):
        resolved(pieces, {})
