"""Several languages of a campaign in the panel: the form, the figures, a language that waits and a template that is replaced."""

from typing import Any

import pytest
from sqlalchemy import select

from jobs.campaigns.launch import launch_campaign
from jobs.campaigns.start import start_campaign
from jobs.maintenance.meta_sync import read_templates
from models.clock import utcnow
from models.sending.cohorts import cohorts_of
from models.tables.campaign import CampaignStatus
from models.tables.number import Number
from models.tables.user import Role
from tests.support.campaign_form import FORM, campaign
from tests.support.cli_app import ANA
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]

SPANISH = {
    "also_language": ["es"],
    "is_fallback": "1",
    "lang-es-slot-body-2-source": "text",
    "lang-es-slot-body-2-text": "veinte",
}


def at_meta(panel: Panel, language: str) -> Any:
    found = panel.shell.meta.sim.world.find_template("spring_sale", language)
    assert found is not None
    return found


def read_again(panel: Panel) -> None:
    with panel.rt.database.read() as session:
        waba_pk = session.scalars(select(Number.waba_id)).one()
    read_templates(panel.rt, waba_pk, utcnow())


def started(panel: Panel, **form: Any) -> None:
    panel.of(Role.MANAGER).post("/campaigns/new", **(FORM | form))
    start_campaign(panel.rt, 1, utcnow(), ANA)
    launch_campaign(1)


def test_the_form_makes_a_campaign_of_several_languages_and_shows_it_again(panel: Panel, manager: Visitor) -> None:
    assert "It is ready." in manager.post("/campaigns/new", **(FORM | SPANISH))
    made = campaign(panel)
    assert (made.languages, made.fallback_language) == (["en", "es"], "en")
    assert made.by_language == {"es": {"variables": {"body": {"2": {"source": "text", "text": "veinte"}}}}}
    page = manager.get("/campaigns/1/edit")
    assert 'name="also_language" value="es" data-shows="languages reach" checked' in page
    assert 'name="also_language" value="pt_BR" data-shows="languages reach">' in page
    assert "What differs in es" in page
    assert 'value="veinte"' in page
    assert "People of any other language get en" in page


def test_without_a_fallback_and_without_other_languages(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **(FORM | SPANISH | {"is_fallback": ""}))
    assert (campaign(panel).languages, campaign(panel).fallback_language) == (["en", "es"], None)
    manager.post("/campaigns/1/edit", **FORM)
    assert (campaign(panel).languages, campaign(panel).by_language) == (None, None)


def test_the_order_and_what_the_form_does_not_show_of_a_file_stay(panel: Panel, manager: Visitor) -> None:
    template = {"name": "spring_sale", "languages": ["pt_BR", "es", "en"], "fallback": "en"}
    panel.shell.add_campaign(template=template)
    page = manager.get("/campaigns/1/edit")
    assert 'name="language_order" value="pt_BR,es,en"' in page
    manager.post(
        "/campaigns/1/edit",
        **(FORM | {"also_language": ["es", "pt_BR"], "language_order": "pt_BR,es,en", "is_fallback": "1"}),
    )
    assert campaign(panel).languages == ["pt_BR", "es", "en"]


def test_a_language_that_the_template_does_not_have_is_dropped(panel: Panel, manager: Visitor) -> None:
    form = (
        FORM
        | SPANISH
        | {"also_language": ["xx", "es", "en"], "lang-xx-slot-body-2-source": "name", "lang-es-kept": "{"}
    )
    manager.post("/campaigns/new", **form)
    assert campaign(panel).languages == ["en", "es"]


def test_the_reach_of_the_form_and_of_the_page_is_told_by_language(panel: Panel, manager: Visitor) -> None:
    page = manager.send("/campaigns/new", **(FORM | SPANISH | {"refresh": "1"})).text
    assert "By language: en 2, es 0." in page
    manager.post("/campaigns/new", **(FORM | SPANISH))
    assert "By language: en 2, es 0." in manager.get("/campaigns/1/checks")


def test_a_language_that_waits_is_shown_and_goes_on_when_meta_allows_it(panel: Panel, manager: Visitor) -> None:
    started(panel, **SPANISH)
    page = manager.get("/campaigns/1/")
    assert "By language" in page
    assert "Resume es" not in page
    at_meta(panel, "es").status = "PAUSED"
    read_again(panel)
    page = manager.get("/campaigns/1/")
    assert "People who get es wait" in page
    assert "The other languages go on." in page
    assert "Resume es" in manager.get("/campaigns/1/live")
    assert "Resume es" not in panel.of(Role.VIEWER).get("/campaigns/1/")
    assert "is PAUSED at Meta" in manager.post("/campaigns/1/resume-language", language="es")
    at_meta(panel, "es").status = "APPROVED"
    assert "It goes on in es." in manager.post("/campaigns/1/resume-language", language="es")
    with panel.rt.database.read() as session:
        assert all(cohort.paused_at is None for cohort in cohorts_of(session, 1))


def test_a_paused_campaign_offers_a_template_that_fits(panel: Panel, manager: Visitor) -> None:
    started(panel)
    at_meta(panel, "en").status = "DISABLED"
    read_again(panel)
    assert "No approved template of the same variables and category" in manager.get("/campaigns/1/")
    theirs = at_meta(panel, "en")
    plan = {"name": "spring_2", "language": "en", "category": "MARKETING", "components": theirs.components}
    panel.shell.meta.sim.world.add_template(theirs.waba_id, plan)
    read_again(panel)
    assert "<option>spring_2</option>" in manager.get("/campaigns/1/")
    page = manager.post("/campaigns/1/replace-template", language="en", template="spring_2")
    assert "It goes on with spring_2." in page
    assert campaign(panel).status is CampaignStatus.ACTIVE
