"""A missing value is named by the tag or attribute that people lack, never by the placeholder's number."""

import pytest
from sqlalchemy.orm import Session

from models.tables.campaign import CampaignStatus
from models.tables.recipient import NotSent, RecipientState
from models.tables.tag import Attribute
from models.templates.bound_values import lacking_values
from models.templates.content import MessageContent
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_attribute, make_contact
from tests.support.panel_app import Panel, Visitor, said

SIZE = {"body": {"1": {"source": "attribute", "attribute": "size"}}}


@pytest.mark.sqlite_only
def test_the_checks_and_the_figures_name_what_people_lack(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        make_attribute(session, "size")
        lacking = make_contact(session, tags={"vip": None})
        ready = make_campaign(session, variables=SIZE)
        launched = make_campaign(session, variables=SIZE, status=CampaignStatus.ENDED, launched_at=NOW, ended_at=NOW)
        make_recipient(session, launched, lacking, state=RecipientState.NOT_SENT, reason=NotSent.MISSING_VARIABLE)
    for path in (f"/campaigns/{ready.id}/checks", f"/campaigns/{launched.id}/"):
        page = manager.get(path)
        assert "Missing value: attribute size" in " ".join(said(page[page.index("Missing value") - 40 :]).split()), path
        assert "body 1" not in page.partition("Missing value")[2].partition("Can be written to")[0]


def test_what_has_a_fallback_or_a_default_is_not_lacking(session: Session) -> None:
    session.add(Attribute(name="shop", default="Madrid", created_at=NOW))
    session.flush()
    variables = {
        "header": {"1": {"source": "name"}},
        "body": {
            "1": {"source": "tag", "tag": "discount"},
            "2": {"source": "tag", "tag": "city", "fallback": "your town"},
            "3": {"source": "attribute", "attribute": "shop"},
            "4": {"source": "text", "text": "20 %"},
            "5": {"source": "order", "field": "total"},
            "6": {"source": "tag", "tag": "discount"},
            "7": {"source": "attribute"},
            "8": {"source": ""},
        },
    }
    shown = [str(text) for text in lacking_values(session, MessageContent(variables))]
    assert shown == ["name", "tag discount", "order total"]
