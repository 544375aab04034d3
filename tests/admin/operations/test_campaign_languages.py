"""A campaign file with several languages: what is stored, and what is refused in one line."""

from typing import Any

import pytest

from admin.operations.campaign_lifecycle import create_test
from admin.operations.campaigns import create_campaign, duplicate_campaign, load_campaign, update_campaign
from models.errors import OperatorError
from models.tables.campaign import Campaign
from tests.support.cli_app import ANA, CAMPAIGN, Shell

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_unless_proved]

SEVERAL = {"name": "spring_sale", "languages": ["en", "es", "pt-br"], "fallback": "EN"}
SPANISH = {"variables": {"body": {"2": {"source": "text", "text": "20 %"}}}}


def made(shell: Shell, **changes: Any) -> Campaign:
    created = create_campaign(shell.rt, CAMPAIGN | {"template": SEVERAL} | changes, ANA)
    assert created.status == "ready"
    return load_campaign(shell.rt, created.id)


def test_languages_are_stored_as_the_template_spells_them_and_copied_with_the_campaign(shell: Shell) -> None:
    campaign = made(shell, by_language={"ES": SPANISH, "pt_BR": {}})
    stored = (["en", "es", "pt_BR"], "en", {"es": SPANISH})
    assert (campaign.languages, campaign.fallback_language, campaign.by_language) == stored
    copy_id, test_id = duplicate_campaign(shell.rt, campaign.id, ANA).id, None
    test_id = create_test(shell.rt, campaign.id, ["+447700900001"], ANA)
    for key in (copy_id, test_id):
        copy = load_campaign(shell.rt, key)
        assert (copy.languages, copy.fallback_language, copy.by_language) == stored
        assert copy.template_id == campaign.template_id


def test_the_template_of_the_fallback_or_else_of_the_first_language_stands_for_the_campaign(shell: Shell) -> None:
    for template, language in (
        ({"name": "spring_sale", "languages": ["es", "en"]}, "es"),
        ({"name": "spring_sale", "languages": ["es", "en"], "fallback": "en"}, "en"),
    ):
        campaign = made(shell, template=template)
        with shell.rt.database.read() as session:
            found = session.merge(campaign).template
            assert found is not None
            assert found.language == language


def test_a_campaign_of_several_languages_becomes_one_of_one_language(shell: Shell) -> None:
    campaign = made(shell, by_language={"es": SPANISH})
    update_campaign(shell.rt, campaign.id, CAMPAIGN, ANA)
    campaign = load_campaign(shell.rt, campaign.id)
    assert (campaign.languages, campaign.fallback_language, campaign.by_language) == (None, None, None)


def test_what_one_language_lacks_makes_a_draft_that_names_it(shell: Shell) -> None:
    lacking = {"es": {"variables": {"body": {"1": {"source": "name"}}}}}
    variables = {"body": {"1": {"source": "name"}}}
    created = create_campaign(
        shell.rt, CAMPAIGN | {"template": SEVERAL, "variables": variables, "by_language": lacking}, ANA
    )
    assert created.status == "draft"
    assert "es: variables: body 2 is not mapped" in created.missing


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"template": {"name": "spring_sale"}}, "template: language is missing"),
        (
            {"template": {"name": "spring_sale", "language": "en", "languages": ["es"]}},
            "template: allowed is one of language and languages",
        ),
        ({"template": {"name": "spring_sale", "languages": []}}, "template.languages"),
        ({"template": {"name": "spring_sale", "languages": ["en", 3]}}, "template.languages"),
        ({"template": {"name": "spring_sale", "languages": ["en", "EN"]}}, "template: languages: en is named twice"),
        (
            {"template": {"name": "spring_sale", "language": "en", "fallback": "en"}},
            "template: fallback belongs to languages",
        ),
        (
            {"template": {"name": "spring_sale", "languages": ["en"], "fallback": "es"}},
            "template: fallback: es is not one of languages (en)",
        ),
        (
            {"template": {"name": "spring_sale", "languages": ["en", "fi"]}},
            "template=spring_sale (fi): there is no such template for this number; it is there in en, es, pt_BR",
        ),
        ({"template": {"name": "spring_sale", "language": "en"}, "by_language": {"en": {}}}, "by_language: allowed"),
        ({"by_language": {"fr": {}}}, "by_language.fr: is not one of the campaign's languages (en, es, pt_BR)"),
        (
            {"by_language": {"es": {"text": "x"}}},
            "by_language.es.text: there is no such field; allowed are variables, media",
        ),
        (
            {"by_language": {"es": {"media": {"header": {"link": "https://x.test/a.jpg"}}}}},
            "es: media: the template's header takes no media",
        ),
        (
            {"by_language": {"es": {"variables": {"body": {"3": {"source": "name"}}}}}},
            "es: variables: body 3 is not in the template",
        ),
        (
            {"by_language": {"es": {"variables": {"body": {"1": {"source": "tag", "tag": "nope"}}}}}},
            "there is no tag 'nope'",
        ),
        (
            {"by_language": {"es": {"variables": {"body": {"1": {"source": "mood"}}}}}},
            "by_language.es.variables.body.1.source",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(shell: Shell, changes: dict[str, Any], line: str) -> None:
    with pytest.raises(OperatorError) as refused:
        create_campaign(shell.rt, CAMPAIGN | {"template": SEVERAL} | changes, ANA)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_preflight_checks_each_language_and_counts_its_people(shell: Shell) -> None:
    campaign = made(shell)
    found = shell.data("campaigns", "preflight", str(campaign.id))
    assert found["reach"]["languages"] == [
        {"language": "en", "people": 2}, {"language": "es", "people": 0}, {"language": "pt_BR", "people": 0},
    ]  # fmt: skip
