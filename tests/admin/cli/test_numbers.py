"""`flask numbers` and `flask templates`."""

import pytest
from sqlalchemy import func, select

from bot.sandbox.seed import PHONE_NUMBER_ID, WABA_ID
from models.clock import utcnow
from models.tables.number import Number
from models.tables.template import Template
from tests.support.cli_app import TOKEN, Shell

pytestmark = pytest.mark.sqlite_only
ADD = ("numbers", "add", "--name", "Shop", "--phone-number-id", PHONE_NUMBER_ID, "--waba-id", WABA_ID, "--token-stdin")


def test_a_number_is_checked_at_meta_subscribed_and_its_token_encrypted(shell: Shell) -> None:
    added = shell.data(*ADD, "--json", stdin=TOKEN)
    assert (added["status"], added["quality"], added["is_new"]) == ("CONNECTED", "GREEN", True)
    assert added["webhooks"].startswith("subscribed")
    with shell.rt.database.read() as session:
        number = session.scalars(select(Number)).one()
        assert number.waba.subscribed_at is not None
        assert TOKEN not in number.access_token
        assert shell.rt.vault.decrypt(number.access_token) == TOKEN
    assert shell.data(*ADD, "--json", stdin=TOKEN)["is_new"] is False


def test_a_number_that_meta_does_not_know_is_not_stored(shell: Shell) -> None:
    assert "Meta refused" in shell.refused(*ADD, stdin="another token")
    assert "digits" in shell.refused(*ADD[:5], "shop", *ADD[6:], stdin=TOKEN)
    assert "empty" in shell.refused(*ADD, stdin="")
    assert "display-phone" in shell.refused(*ADD, "--display-phone", "600", stdin=TOKEN)
    shell.refused(*ADD[:-1], code=2)
    shell.meta.stop()
    assert "could not be asked" in shell.refused(*ADD, stdin=TOKEN)
    with shell.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Number)) == 0


def test_templates_are_read_and_what_meta_dropped_is_marked(shell: Shell) -> None:
    assert "no number" in shell.refused("templates", "sync")
    shell.add_number()
    assert shell.data("templates", "sync", "--json")["created"] == 0
    with shell.rt.database.write() as session:
        number = session.scalars(select(Number)).one()
        session.add(
            Template(
                waba_id=number.waba_id,
                name="gone",
                language="en",
                category="UTILITY",
                status="APPROVED",
                components=[],
                created_at=utcnow(),
            )
        )
    assert shell.data("templates", "sync", "--json")["missing"] == 1
    shell.meta.stop()
    assert "could not be asked" in shell.refused("templates", "sync")


def test_a_number_s_way_of_sending_marketing_is_chosen_and_shown(shell: Shell) -> None:
    shell.add_number()
    shown = shell.data("numbers", "marketing", "1", "--json")
    assert (shown["marketing_api"], shown["policy"], shown["is_ready"], shown["currency"]) == ("off", None, True, "EUR")
    arguments = ("numbers", "marketing", "1", "--policy", "CLOUD_API_FALLBACK", "--share-activity", "no")
    chosen = shell.data(*arguments, "--json")
    assert (chosen["marketing_api"], chosen["policy"], chosen["shares_activity"]) == ("on", "CLOUD_API_FALLBACK", False)
    assert "policy: CLOUD_API_FALLBACK" in shell.ok("numbers", "marketing", "1")
    assert shell.data("numbers", "list", "--json")[0]["marketing_api"] == "on"
    strict = shell.data("numbers", "marketing", "1", "--policy", "STRICT", "--json")
    assert (strict["policy"], strict["shares_activity"]) == ("STRICT", None)
    assert shell.data("numbers", "marketing", "1", "--off", "--json")["marketing_api"] == "off"


def test_the_state_of_the_account_is_asked_for_and_a_refusal_is_told(shell: Shell) -> None:
    shell.add_number()
    waba = shell.meta.sim.world.wabas[WABA_ID]
    waba.onboarding = "PENDING_VALID_PAYMENT_METHOD"
    shown = shell.data("numbers", "marketing", "1", "--json")
    assert (shown["onboarding"], shown["is_ready"]) == ("PENDING_VALID_PAYMENT_METHOD", False)
    shell.meta.stop()
    stored = shell.data("numbers", "marketing", "1", "--policy", "STRICT", "--json")
    assert (stored["policy"], stored["onboarding"]) == ("STRICT", "PENDING_VALID_PAYMENT_METHOD")
    assert "could not be asked" in stored["error"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("9",), 1),
        (("9", "--off"), 1),
        (("1", "--policy", "strict"), 2),
        (("1", "--off", "--policy", "STRICT"), 2),
        (("1", "--share-activity", "yes"), 2),
        (("1", "--policy", "STRICT", "--share-activity", "perhaps"), 2),
    ],
)
def test_a_wrong_choice_is_one_line(shell: Shell, arguments: tuple[str, ...], code: int) -> None:
    shell.refused("numbers", "marketing", *arguments, code=code)
