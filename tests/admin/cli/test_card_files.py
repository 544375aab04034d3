"""Pictures of cards that lie beside the campaign file."""

import pytest

from models.tables.campaign import Campaign
from tests.support.cli_app import CAMPAIGN, Shell
from tests.support.media import PNG
from tests.support.message_formats import BY_NAME

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


def _add(shell: Shell, name: str) -> None:
    shell.meta.call(shell.meta.sim.world.add_template, "100000000000001", BY_NAME[name].template)
    shell.ok("templates", "sync")


def _file(shell: Shell, name: str, cards: list[object]) -> str:
    content = CAMPAIGN | {"template": {"name": name, "language": "en"}, "variables": {}, "cards": cards}
    return shell.file("campaign.json", content)


def test_a_card_s_picture_is_taken_from_beside_the_file(shell: Shell) -> None:
    _add(shell, "media_cards")
    (shell.directory / "blue.png").write_bytes(PNG)
    cards = [{"media": {"header": {"file": "blue.png"}}}, {}]
    created = shell.data("campaigns", "create", _file(shell, "media_cards", list(cards)))
    assert "cards.1.media: the card's header needs one image (link, id or file)" in created["missing"]
    assert not any(line.startswith("cards.0.media") for line in created["missing"])
    with shell.rt.database.read() as session:
        content = session.get_one(Campaign, created["id"]).content
    assert content is not None
    assert set(content["cards"][0]["media"]["header"]) >= {"sha256"}


def test_a_file_that_is_no_picture_is_refused_with_its_card(shell: Shell) -> None:
    _add(shell, "media_cards")
    (shell.directory / "blue.png").write_bytes(b"%PDF-1.7 no picture")
    line = shell.refused(
        "campaigns", "create", _file(shell, "media_cards", [{"media": {"header": {"file": "blue.png"}}}])
    )
    assert "blue.png" in line
    assert shell.data("campaigns", "list", "--json") == []


def test_a_card_of_products_takes_no_file(shell: Shell) -> None:
    _add(shell, "product_cards")
    (shell.directory / "blue.png").write_bytes(PNG)
    line = shell.refused(
        "campaigns", "create", _file(shell, "product_cards", [{"media": {"header": {"file": "blue.png"}}}])
    )
    assert "cards.0.media: the card's header takes no media" in line
