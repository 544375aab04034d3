"""`flask campaigns compare` and `flask results recount`."""

import pytest

from models.tables.recipient import RecipientState
from tests.support.cli_app import Shell
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

pytestmark = pytest.mark.sqlite_only


def test_campaigns_are_compared_as_a_table_as_json_and_as_csv(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        for name in ("Spring", "Autumn"):
            campaign = make_campaign(session, name=name)
            make_recipient(session, campaign, make_contact(session), state=RecipientState.ACCEPTED, accepted_at=NOW)
    assert shell.ok("results", "recount") == "nothing differed\n"
    assert "too few to tell" in shell.ok("campaigns", "compare", "1", "2")
    first, second = shell.data("campaigns", "compare", "1", "2", "--json")
    assert (first["name"], first["sent"], first["against_first"]) == ("Spring", 1, {})
    assert first["intervals"]["delivered_pct"] == [0.0, 79.3]
    assert second["against_first"]["read"] == "too_few"
    assert shell.ok("campaigns", "compare", "1", "2", "--csv").splitlines() == [
        "id,name,hour,sent,delivered,read,clicked,replied",
        "1,Spring,1,1,0,0,0,0",
        "2,Autumn,1,1,0,0,0,0",
    ]
    assert "name 2 to 5 campaigns" in shell.refused("campaigns", "compare", "1")
    assert shell.data("results", "recount", "--json") == {"different": []}
