"""Ids that no table can hold belong to nothing; on both databases."""

import pytest
from werkzeug.routing import IntegerConverter, Rule

from models.tables.user import Role
from tests.support.cli_app import Shell
from tests.support.panel_app import Panel

pytestmark = pytest.mark.sqlite_unless_proved

LARGE = (2**31, 2**63 - 1, 2**63, 10**30)


def rules(panel: Panel) -> list[Rule]:
    """Of the panel's addresses those with an id."""
    found = [rule for rule in panel.shell.app.url_map.iter_rules() if rule.rule.startswith("/admin/")]
    return [rule for rule in found if any(isinstance(each, IntegerConverter) for each in rule._converters.values())]


def test_no_page_and_no_action_breaks_over_an_id_that_is_too_large(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    asked, broken = 0, []
    for rule in rules(panel):
        for large in LARGE:
            built = rule.build(dict.fromkeys(rule.arguments, large))
            assert built is not None
            path = built[1].removeprefix("/admin")
            answer = admin.client.get(built[1]) if "GET" in (rule.methods or ()) else admin.send(path, confirmed="1")
            asked += 1
            if answer.status_code >= 500:
                broken.append((rule.rule, large))
    assert broken == []
    assert asked > 200


def test_an_action_finds_nothing_whose_id_in_the_form_is_too_large(panel: Panel) -> None:
    manager = panel.of(Role.MANAGER)
    for path, fields in (
        ("/campaigns/1/unsure/leave", {"recipient": str(2**63)}),
        ("/lists/1/put", {"contact": str(2**63)}),
    ):
        assert manager.send(path, **fields).status_code < 500


@pytest.mark.parametrize("number", ["9223372036854775808", "2147483648", "1" * 40])
def test_a_command_says_in_one_line_that_there_is_nothing_of_that_number(shell: Shell, number: str) -> None:
    for words in (("campaigns", "stats"), ("campaigns", "pause"), ("campaigns", "start")):
        assert "there is no" in shell.refused(*words, number)
