"""Signals on the campaign's page and the home page, the pages behind their buttons, and the same on the command line."""

import re

import pytest

from admin.operations.signals.links import action_path
from jobs.signals.count import recount
from models.clock import utcnow
from models.signals.rules import SignalAction
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Consent
from models.tables.recipient import NotSent
from models.tables.segment import Segment
from models.tables.user import Role
from tests.support.panel_app import Panel
from tests.support.signal_rows import add_failed, add_left_out, add_people, sent_campaign

pytestmark = pytest.mark.sqlite_only
SHOWN = {
    "Meta kept many messages back because these people had enough marketing: try again after 24 hours.":
        ("20 of 111 messages (18.0 %) failed with 131049.", "#try-again"),
    "Few messages arrive: the list probably holds old or wrong numbers.":
        ("66 of 86 people (76.7 %) received it: 20 are probably not on WhatsApp", "signals/never-received"),
    "Many numbers lack their calling code, and fail until somebody says which country they are of.":
        ("9 of 160 people (5.6 %): 9 without a calling code, 0 that may be one of two numbers.", "/admin/contacts/mend"),
    "Many people in the audience never agreed to messages: look at where these contacts come from.":
        ("45 of 160 people (28.1 %): 40 are not subscribed, 5 stopped marketing messages.", "signals/sources"),
}  # fmt: skip


def said(html: str) -> str:
    """All of a page's text."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def troubled(panel: Panel) -> int:
    """A campaign that ran minutes ago, with causes for four signals; its id."""
    now = utcnow()
    with panel.rt.database.write() as session:
        campaign = sent_campaign(session, now=now, launched_at=now, last_sent_at=now, name="Leftovers")
        add_people(session, campaign, 66, at=now)
        for code, number in ((131049, 20), (131026, 20), (131050, 5)):
            add_failed(session, campaign, number, code)
        add_left_out(session, campaign, 9, NotSent.MISSING_CALLING_CODE)
        add_left_out(session, campaign, 35, NotSent.NOT_SUBSCRIBED)
        add_left_out(session, campaign, 5, NotSent.NOT_SUBSCRIBED)
        return campaign.id


def test_signals_stand_where_they_are_needed_with_evidence_and_a_button_that_leads_somewhere(
    panel: Panel, troubled: int
) -> None:
    admin, viewer, where = panel.of(Role.ADMIN), panel.of(Role.VIEWER), f"/campaigns/{troubled}/"
    assert "Not counted yet." in said(admin.get(where))
    assert panel.shell.ok("campaigns", "signals", str(troubled)) == "not counted yet\n"
    assert recount(panel.rt, troubled, utcnow())
    page, home = admin.get(where), admin.get("/")
    for sentence, (evidence, link) in SHOWN.items():
        for text in (page, home):
            assert sentence in said(text)
            assert evidence in said(text)
            assert link in text
    assert "above the default threshold of 5.0 %" in said(page)
    assert "Leftovers" in home
    assert "Mend these numbers" not in viewer.get(where), "a viewer cannot open that page"
    assert "signals" in admin.client.get(f"/admin{where}live").get_json()["parts"]
    for path in set(re.findall(r'href="/admin(/[^"]+)"', page.partition('id="signals"')[2].partition("</section>")[0])):
        admin.get(path.replace("&amp;", "&"))
    people = said(admin.get(f"/campaigns/{troubled}/people?status=failed&codes=131049"))
    assert "Failed, error 131049" in people
    assert people.count("Meta kept it back: the person had enough marketing messages.") == 20
    printed = panel.shell.data("campaigns", "signals", str(troubled), "--json")
    assert {signal["sentence"] for signal in printed["signals"]} == set(SHOWN)
    lines = panel.shell.ok("campaigns", "signals", str(troubled))
    assert all(sentence in lines for sentence in SHOWN)


def test_every_button_leads_to_a_page_and_a_campaign_without_people_shows_none(panel: Panel) -> None:
    admin, now = panel.of(Role.ADMIN), utcnow()
    with panel.rt.database.write() as session:
        session.add(Segment(name="VIP", rule={"any": []}, created_at=now, updated_at=now))
        campaign = sent_campaign(session, name="Small", now=now, audience={"include": [{"segment": "VIP"}]})
        add_people(session, campaign, 3, consent=Consent.UNSUBSCRIBED, at=now)
        small = campaign.id
    recount(panel.rt, small, now)
    with panel.rt.database.read() as session:
        campaign = session.get_one(Campaign, small)
        paths = {action: action_path(session, action, campaign) for action in SignalAction}
        assert paths[SignalAction.SHOW_GROUP] == "/admin/segments/1/"
        campaign.status = CampaignStatus.ENDED
        paths[SignalAction.TRY_AGAIN] = action_path(session, SignalAction.TRY_AGAIN, campaign)
        assert paths[SignalAction.TRY_AGAIN] == f"/admin/campaigns/{small}/people?status=failed&codes=131049"
        del paths[SignalAction.SHOW_GROUP]  # its page needs a whole rule
    for path in paths.values():
        admin.get(path.removeprefix("/admin"))
    assert "Nothing stands out. A signal needs at least 50 people" in said(admin.get(f"/campaigns/{small}/"))
    assert panel.shell.ok("campaigns", "signals", str(small)) == "no signals; one needs at least 50 people\n"
    rules = said(admin.get("/signals/"))
    assert "Promotional: above 5.0 % default" in rules
    assert "of at least 50 people" in rules


def test_reasons_are_found_and_stand_beside_the_messages_with_metas_words_folded(panel: Panel, troubled: int) -> None:
    viewer = panel.of(Role.VIEWER)
    page = said(viewer.get("/reasons/?q=CUSTOMER_IS_MISSING_CALLING_CODE"))
    assert "missing_calling_code No calling code. The phone number has no calling code." in page
    assert "131049" not in page
    assert "Hark knows no such error" in said(viewer.get("/reasons/?q=nonesuch"))
    html = viewer.get(f"/campaigns/{troubled}/")
    assert "131049 Meta kept it back: the person had enough marketing messages." in said(html)
    assert re.search(r"<details[^>]*><summary[^>]*>What Meta says</summary>Failed</details>", html)
