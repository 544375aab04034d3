"""`flask templates`: from a file to an approved template, and what stops it."""

import time
from typing import Any

import pytest
from sqlalchemy import select

from models.tables.template import Template
from models.tables.template_life import TemplateEvent
from tests.support.cli_app import Shell
from tests.support.factories.campaigns import make_number
from tests.support.media import PNG
from tests.support.template_files import changed, template_json

pytestmark = pytest.mark.sqlite_unless_proved


@pytest.fixture
def account(shell: Shell) -> Shell:
    shell.add_number()
    return shell


def status_at_last(shell: Shell, name: str, language: str) -> str:
    """The status once Meta has judged the template."""
    for _ in range(100):
        shell.ok("templates", "sync")
        status = str(shell.data("templates", "show", name, language, "--json")["status"])
        if status != "PENDING":
            return status
        time.sleep(0.1)
    raise AssertionError(status)


def test_a_template_is_created_submitted_approved_and_listed(account: Shell) -> None:
    file = account.file("promo.json", template_json("seasonal_promo"))
    assert account.data("templates", "create", file, "--json")["status"] == "DRAFT"
    assert "seasonal_promo" in account.ok("templates", "list")
    account.ok("templates", "sync")
    assert account.data("templates", "show", "seasonal_promo", "pt_BR", "--json")["status"] == "DRAFT"
    submitted = account.data("templates", "submit", "seasonal_promo", "pt_BR", "--json")
    assert submitted["status"] in {"PENDING", "APPROVED"}
    assert status_at_last(account, "seasonal_promo", "pt_BR") == "APPROVED"
    rows = account.data("templates", "list", "--json")
    row = next(row for row in rows if row["name"] == "seasonal_promo")
    assert (row["status"], row["language"], row["category"]) == ("APPROVED", "pt_BR", "MARKETING")
    shown = account.data("templates", "show", "seasonal_promo", "pt_BR", "--json")
    assert [event["event"] for event in reversed(shown["life"])][:2] == ["created", "submitted"]
    assert shown["life"][0]["after"] == "APPROVED"
    assert "nothing is written" in account.refused("templates", "submit", "seasonal_promo", "pt_BR")


def test_a_carousel_has_its_pictures_uploaded_when_it_is_submitted(account: Shell) -> None:
    (account.directory / "blue.png").write_bytes(PNG)
    (account.directory / "red.png").write_bytes(PNG + b"red")
    carousel = template_json("media_cards")
    for card, name in zip(carousel["components"][1]["cards"], ("blue.png", "red.png"), strict=True):
        card["components"][0]["example"]["header_handle"] = [name]
    account.ok("templates", "create", account.file("cards.json", carousel))
    draft = account.data("templates", "show", "media_cards", "en_US", "--json")["definition"]
    handles = [card["components"][0]["example"]["header_handle"][0] for card in draft["components"][1]["cards"]]
    assert all(handle.startswith("file:") for handle in handles)
    account.ok("templates", "submit", "media_cards", "en_US")
    assert status_at_last(account, "media_cards", "en_US") == "APPROVED"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("components.1.cards.0.components.0.example.header_handle", ["gone.png"], "neither Meta's handle nor a file"),
        (
            "components.1.cards.0.components.0.example.header_handle",
            ["text.jpg"],
            "text.jpg is text, not a picture: allowed are JPEG and PNG",
        ),
        (
            "components.1.cards.0.components.2.buttons.0.text",
            "x" * 26,
            "components[1].cards[0].buttons[0].text: has 26",
        ),
        ("name", "Upper", "name: 'Upper': allowed are"),
        ("components", "x", "components: must be a list"),
    ],
)
def test_a_file_that_meta_would_refuse_is_one_line_and_nothing_is_stored(
    account: Shell, path: str, value: Any, said: str
) -> None:
    (account.directory / "text.jpg").write_text("no picture")
    assert said in account.refused(
        "templates", "create", account.file("bad.json", changed(template_json("media_cards"), path, value))
    )
    assert not [row for row in account.data("templates", "list", "--json") if row["status"] == "DRAFT"]


@pytest.mark.parametrize(
    "content", ["", "[", "null", "[]", "5", '"x"', "{}", '{"name": "\\ud800"}', "[" * 900 + "]" * 900]
)
def test_a_file_of_any_other_shape_is_one_line(account: Shell, content: str) -> None:
    account.refused("templates", "create", account.file("bad.json", content))


def test_a_template_whose_answer_is_lost_stays_a_draft_and_is_not_submitted_twice(account: Shell) -> None:
    definition = template_json("coupon")
    account.ok("templates", "create", account.file("coupon.json", definition))
    account.meta.stop()
    assert "no answer of Meta's came" in account.refused("templates", "submit", "coupon", "en_US")
    assert account.data("templates", "show", "coupon", "en_US", "--json")["status"] == "DRAFT"
    assert "being submitted" in account.refused("templates", "submit", "coupon", "en_US")


def test_a_deleted_draft_is_gone_and_a_deleted_template_is_gone_at_meta(account: Shell) -> None:
    account.ok("templates", "create", account.file("coupon.json", template_json("coupon")))
    account.ok("templates", "delete", "coupon", "en_US")
    assert "no such template" in account.refused("templates", "show", "coupon", "en_US")
    with account.rt.database.read() as session:
        assert session.scalars(select(Template).where(Template.name == "coupon")).all() == []
        assert session.scalars(select(TemplateEvent).where(TemplateEvent.kind == "created")).all() == []
    assert account.ok("templates", "delete", "spring_sale") == "deleted template spring_sale (en, es, pt_BR)\n"
    account.ok("templates", "sync")
    assert "spring_sale" not in account.ok("templates", "list")
    again = template_json("coupon") | {"name": "spring_sale", "language": "es"}
    account.ok("templates", "create", account.file("again.json", again))
    assert "keeps the name until" in account.refused("templates", "submit", "spring_sale", "es")


def test_a_name_that_meta_has_is_not_written_over(account: Shell) -> None:
    definition = template_json("coupon") | {"name": "spring_sale", "language": "es"}
    assert "it is APPROVED at Meta already" in account.refused(
        "templates", "create", account.file("x.json", definition)
    )


def test_with_several_accounts_a_number_says_which(account: Shell) -> None:
    with account.rt.database.write() as session:
        other = make_number(session, name="Other", access_token=account.rt.vault.encrypt("x"))
        other_id = other.id
    file = account.file("coupon.json", template_json("coupon"))
    assert "there are several accounts; name one of its numbers" in account.refused("templates", "create", file)
    assert "there is no such number" in account.refused("templates", "create", file, "--number", "999")
    account.ok("templates", "create", file, "--number", str(other_id))
    assert [row["name"] for row in account.data("templates", "list", "--number", str(other_id), "--json")] == ["coupon"]
    account.ok("templates", "delete", "coupon", "--number", str(other_id))
