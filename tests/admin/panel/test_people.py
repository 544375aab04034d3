"""Contacts, tags, lists, segments, the inbox, and the house's own pages, as people use them."""

import io
import json
import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from redis import Redis
from sqlalchemy import delete, select

from admin.operations import segments
from admin.operations.segments import put_segment
from admin.panel.audience import segments as panel_segments
from admin.panel.audience.rule_form import listed, unlisted
from jobs.core.queues import ANSWER, CHORES, queue
from jobs.imports.uploads import rejects_path
from jobs.maintenance.purge import purge
from models.clock import utcnow
from models.tables.campaign import Campaign
from models.tables.contact import Consent, Contact
from models.tables.conversation import Case, Conversation, Message, MessageState
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.order import Order
from models.tables.segment import Segment
from models.tables.setting import read_setting
from models.tables.tag import ContactList, ContactTag, ListMember, Tag
from models.tables.user import Audit, Role, User
from tests.support import factories
from tests.support.panel_app import Panel, Visitor, said
from tests.support.panel_seed import KEPT

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def tag_id(panel: Panel, name: str) -> int:
    with panel.rt.database.read() as session:
        return session.scalars(select(Tag.id).where(Tag.name == name)).one()


def make_crowd(panel: Panel) -> int:
    """A tag on everybody, which no bot flow and no campaign names."""
    with panel.rt.database.write() as session:
        factories.put_tags(session, session.scalars(select(Contact)).all(), "crowd")
    return tag_id(panel, "crowd")


def contact(panel: Panel, contact_id: int = 1) -> Contact:
    with panel.rt.database.read() as session:
        return session.get_one(Contact, contact_id)


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ("q=alice", "Alice", "Bob"),
        ("q=%2B34600000002", "Bob", "Alice"),
        ("tag=city&value=Madrid", "Person 3", "Alice"),
        ("list=1", "Alice", "Person 30"),
        ("consent=unsubscribed", "Bob", "Alice"),
    ],
)
def test_contacts_are_found(query: str, found: str, not_found: str, manager: Visitor) -> None:
    page = said(manager.get(f"/contacts/?{query}").partition("<table>")[2])
    assert found in page
    assert not_found not in page


def test_contacts_go_on_by_key(manager: Visitor) -> None:
    following = re.search(r'href="([^"]+after=\d+)" rel="next"', manager.get("/contacts/"))
    assert following
    assert "Alice" in manager.client.get(following[1].replace("&amp;", "&")).text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"phone": ""}, "It is missing"),
        ({"phone": "nonsense"}, "no phone number"),
        ({"phone": "+34600000001"}, "already"),
        ({"phone": "+447700900009", "consent": "subscribed"}, "needs a consent_source"),
        ({"phone": "+447700900009", "language": "Klingon!"}, "no language code"),
        ({"phone": "+447700900009", "tags": "=x"}, "has no name"),
    ],
)
def test_a_contact_that_cannot_be_is_refused_beside_its_field(
    fields: dict[str, Any], sentence: str, manager: Visitor
) -> None:
    page = manager.refused("/contacts/new", **fields)
    (wrong,) = re.findall(r'class="wrong"[^>]*>([^<]*)<', page)
    assert sentence in wrong


def test_a_contact_is_added_changed_tagged_and_forgotten(panel: Panel, manager: Visitor) -> None:
    page = manager.post(
        "/contacts/new",
        phone="+44 7700 900009",
        name="Zoe",
        consent="subscribed",
        consent_source="shop",
        tags="vip;city=York",
    )
    assert "city = York" in page
    with panel.rt.database.read() as session:
        zoe = session.scalars(select(Contact.id).where(Contact.phone == "+447700900009")).one()
    page = manager.refused(f"/contacts/{zoe}/edit", name="Zoe", email="z@example.com", country="Nowhere")
    assert "no country code" in page
    assert contact(panel, zoe).email is None
    manager.post(f"/contacts/{zoe}/edit", name="Zoë", email="z@example.com", **{"attribute-1": "Main street"})
    assert (contact(panel, zoe).name, contact(panel, zoe).attributes) == ("Zoë", {"shop": "Main street"})
    manager.post(f"/contacts/{zoe}/tag", tag="code", value="4711")
    assert "code = 4711" in manager.post(f"/contacts/{zoe}/untag", tag="vip")
    kept = rejects_path(panel.rt, KEPT)
    kept.write_text("refused_line,refused_why,phone\r\n2,x,+44 7700 900009\r\n3,x,7\r\n", encoding="utf-8", newline="")
    admin = panel.of(Role.ADMIN)
    assert "wiped" in admin.post(f"/contacts/{zoe}/redact", confirmed="1")
    assert contact(panel, zoe).consent is Consent.REDACTED
    assert kept.read_bytes() == b"refused_line,refused_why,phone\r\n3,x,7\r\n"


def test_a_person_s_page_shows_what_they_ordered(panel: Panel, manager: Visitor) -> None:
    assert "Orders" not in said(manager.get("/contacts/2/"))
    coat = [{"title": "Coat", "quantity": 2}, {"title": "<Hat>"}]
    with panel.rt.database.write() as session:
        bob = session.get_one(Contact, 2)
        for place in range(51):
            factories.make_order(session, bob, number=f"#{place}", now=factories.NOW + timedelta(days=place))
        factories.make_order(session, bob, number="#yen", total=1500.125, currency="TND", items=coat)
        newest = factories.NOW + timedelta(days=60)
        factories.make_order(session, bob, number="#gone", total=7, now=newest, cancelled_at=newest)
    page = manager.get("/contacts/2/")
    assert "52 orders, 510.00 EUR, 1500.125 TND · 1 cancelled" in said(page)
    numbers = re.findall(r'<td class="nowrap">(#\w+)', page)
    assert (len(numbers), numbers[:3]) == (50, ["#gone", "#50", "#49"])
    assert "The newest 50." in page
    with panel.rt.database.write() as session:
        session.execute(delete(Order).where(Order.number.not_in(["#yen"])))
    page = manager.get("/contacts/2/")
    assert "Coat × 2, &lt;Hat&gt;" in page
    assert "1 order, 1500.125 TND" in said(page)


def test_groups_are_renamed_with_all_that_names_them(panel: Panel, manager: Visitor) -> None:
    put_segment(panel.rt, "Best", {"all": [{"on": "tag", "op": "has", "name": "vip"}]}, "test")
    vip, city = tag_id(panel, "vip"), tag_id(panel, "city")
    assert "Renamed." in manager.post(f"/tags/{vip}/rename", name=" gold ")
    assert "gold" in said(manager.get("/segments/2/"))
    assert "There is a tag “city” already" in said(manager.post(f"/tags/{vip}/rename", name="city"))
    assert "a character that is not allowed" in said(manager.post(f"/tags/{vip}/rename", name="a=b"))
    assert "named by the bot flow “spring_replies”" in said(manager.post(f"/tags/{city}/rename", name="town"))
    assert "Guests" in manager.post("/lists/1/rename", name="Guests")
    assert "<h1>Madrilenians</h1>" in manager.post("/segments/1/rename", name="Madrilenians")
    with panel.rt.database.read() as session:
        audited = session.scalars(select(Audit).where(Audit.action == "rename").order_by(Audit.id)).all()
    assert [(row.object_type, row.detail) for row in audited] == [
        ("tag", {"before": "vip", "after": "gold"}),
        ("list", {"before": "Regulars", "after": "Guests"}),
        ("segment", {"before": "Madrid", "after": "Madrilenians"}),
    ]
    assert panel.of(Role.AGENT).send("/lists/1/rename", name="No").status_code == 403


def test_groups_are_deleted_once_that_was_confirmed(panel: Panel, manager: Visitor) -> None:
    crowd = make_crowd(panel)
    put_segment(panel.rt, "Crowded", {"all": [{"on": "tag", "op": "has", "name": "crowd"}]}, "test")
    assert "63 people carry it" in said(manager.send(f"/tags/{crowd}/delete").text)
    used = said(manager.post(f"/tags/{crowd}/delete", confirmed="1"))
    assert "The tag “crowd” is still used by the segment “Crowded”" in used
    assert "Its rule is deleted" in said(manager.send("/segments/2/delete").text)
    manager.post("/segments/2/delete", confirmed="1")
    assert "Deleted." in manager.post(f"/tags/{crowd}/delete", confirmed="1")
    assert "5 people are on it" in said(manager.send("/lists/1/delete").text)
    manager.post("/lists/1/delete", confirmed="1")
    with panel.rt.database.read() as session:
        assert session.get(Tag, crowd) is None
        assert session.scalar(select(ContactList.id)) is None
        assert session.scalars(select(Segment.name)).all() == ["Madrid"]
        deleted = session.scalars(select(Audit.detail).where(Audit.action == "delete").order_by(Audit.id)).all()
    assert [row["name"] for row in deleted] == ["Crowded", "crowd", "Regulars"]
    assert "there is no such list" in said(manager.post("/lists/1/delete", confirmed="1"))


def test_a_large_tag_is_off_the_pages_at_once_and_gone_by_and_by(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.segments.rename_delete.SLICE", 20)
    crowd = make_crowd(panel)
    manager.post(f"/tags/{crowd}/delete", confirmed="1")
    for path in ("/tags/", "/contacts/", "/campaigns/new", "/segments/new", "/contacts/63/"):
        page = manager.get(path)
        assert "crowd" not in page
        assert "gone" not in page
    with panel.rt.database.read() as session:
        assert session.get_one(Tag, crowd).name.strip() == f"gone {crowd}"
    jobs = [job.func_name for job in queue(panel.rt.redis, CHORES).jobs]
    assert jobs.count("jobs.maintenance.purge.purge") == 1
    monkeypatch.setattr("jobs.maintenance.purge.runtime", lambda: panel.rt)
    purge()
    with panel.rt.database.read() as session:
        assert session.get(Tag, crowd) is None
        assert session.scalar(select(ContactTag.tag_id).where(ContactTag.contact_id == 63)) == tag_id(panel, "city")


def test_two_records_are_made_one_by_hand_once_that_was_confirmed(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        later = utcnow() + timedelta(days=1)
        given: dict[str, Any] = {"name": "Alice L.", "email": "al@example.com", "tags": {"regular": None}}
        double = factories.make_contact(session, now=later, **given).id
        factories.make_order(session, session.get_one(Contact, double), number="#7")
        phone = session.get_one(Contact, double).phone
    asked = said(manager.send(f"/contacts/{double}/merge", other="/admin/contacts/1/").text)
    assert f"“Alice L., {phone}” becomes a part of “Alice" in asked
    assert "Name Alice Alice L." in asked
    assert f"{phone} still leads to this person" in asked
    assert contact(panel, double).merged_into_id is None
    page = said(manager.post(f"/contacts/{double}/merge", other="/admin/contacts/1/", confirmed="1"))
    assert "The two are one record now." in page
    assert "regular" in page
    assert "#7" in page
    assert f"Also found by {phone}" in page
    assert "Before the merge Name Alice L." in page
    assert contact(panel, double).merged_into_id == 1
    with panel.rt.database.read() as session:
        audited = session.scalars(select(Audit).where(Audit.action == "merge")).one()
    assert (audited.object_id, audited.detail) == (
        "1",
        {"merged": double, "kept_of_it": ["a number or id", "name"]},
    )
    assert "+34600000001" in manager.get(f"/contacts/?q={phone}")
    for _ in range(2):
        page = said(manager.post("/contacts/1/former/1/release"))
        assert "Also found by" not in page
    assert "does not lead to them any more" in page
    assert panel.of(Role.AGENT).send("/contacts/1/former/1/release").status_code == 403
    assert panel.of(Role.AGENT).send("/contacts/1/merge", other="+34600000002").status_code == 403


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ("/admin/contacts/1/", "That is this record itself"),
        ("+447700900077", "There is no contact with this phone"),
        ("nonsense", "no phone number"),
        ("/admin/contacts/9999/", "there is no such contact"),
        ("/admin/contacts/2/", "they are two people"),
    ],
)
def test_what_cannot_be_one_record_is_said_in_a_line(other: str, line: str, panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        for key, wa_id in ((1, "34600000001"), (2, "34600000002")):
            session.get_one(Contact, key).wa_id = wa_id
    for confirmed in ("", "1"):
        assert line in said(manager.post("/contacts/1/merge", other=other, confirmed=confirmed))


def test_consent_changes_as_far_as_an_operators_word_goes(panel: Panel, manager: Visitor) -> None:
    agent = panel.of(Role.AGENT)
    agent.post("/contacts/1/consent", consent="unsubscribed", source="panel")
    assert contact(panel).consent is Consent.UNSUBSCRIBED
    assert "only the person may change it" in manager.post("/contacts/1/consent", consent="subscribed", source="x")
    assert contact(panel).consent is Consent.UNSUBSCRIBED
    assert "Only the person can change this" in manager.get("/contacts/1/")
    assert "manager@example.com" not in manager.get("/contacts/1/").partition("<main")[2]


def test_tags_lists_and_segments_are_made(panel: Panel, manager: Visitor) -> None:
    assert "summer" in manager.post("/tags/add", name="summer", description="Wants news in summer")
    assert "already" in manager.post("/tags/add", name="summer")
    assert "not allowed" in manager.post("/tags/add", name="a=b")
    assert "holds a character that is no text" in manager.post("/tags/add", name="odd", description="a\x00b")
    assert "at most 500" in manager.post("/tags/1/describe", description="d" * 501)
    assert "no text" in manager.post("/segments/1/rename", name="Mad\x00rid")
    manager.get("/tags/?after=%00")


def test_people_are_put_on_a_list_one_by_one_and_taken_off(panel: Panel, manager: Visitor) -> None:
    assert "Nobody is on it yet" in manager.post("/lists/add", name="Guests")
    assert "already" in manager.post("/lists/add", name="Guests")
    with panel.rt.database.read() as session:
        made = session.scalars(select(ContactList.id).where(ContactList.name == "Guests")).one()
    where = f"/lists/{made}"
    page = manager.post(f"{where}/put", people="id:1, +34 600 000 001; +34600000002")
    assert "2 put on the list" in page
    assert "+34600000002" in page
    assert "Everybody was on it already" in manager.post(f"{where}/put", people="id:1")
    for people, line in (
        ("", "Choose somebody first"),
        ("id:2, +34600000099", "+34600000099: there is no contact with this phone"),
        ("id:3, id:9999", "Contact 9999: there is no such contact any more"),
        ("Ana", "no phone number"),
    ):
        assert line in said(manager.post(f"{where}/put", people=people))
    assert "Taken off" in manager.post(f"{where}/take", contact="1")
    assert "not on the list any more" in manager.post(f"{where}/take", contact="1")
    with panel.rt.database.read() as session:
        assert session.scalars(select(ListMember.contact_id).where(ListMember.list_id == made)).all() == [2]
    done = [action for _, action in panel.audited()]
    assert (done.count("put on"), done.count("take off")) == (2, 1)


def test_people_are_found_by_name_number_and_tag_to_be_picked(panel: Panel, manager: Visitor) -> None:
    def found(text: str) -> list[tuple[int, str]]:
        answer = json.loads(manager.get(f"/contacts/pick.json?q={quote(text)}"))
        return [(person["id"], person["tag"]) for person in answer["people"]]

    assert (1, "") in found("alice")
    assert found("+34600000002") == [(2, "")]
    assert found("nobody at all") == []
    assert found(" ") == []
    tagged = found("CIT")
    assert {tag for _, tag in tagged} == {"city"}
    assert found("city=Nowhere") == []
    answer = json.loads(manager.get("/contacts/pick.json?q=city"))
    assert (answer["more"], len(answer["people"])) == (True, 12)


def test_a_segment_is_built_by_its_form(panel: Panel, manager: Visitor) -> None:
    rule: dict[str, Any] = {
        "c-0-0-on": "tag", "c-0-0-name": "city", "c-0-0-op": "in", "c-0-0-value": "Madrid, Sevilla",
        "c-0-1-on": "campaign", "c-0-1-op": "failed", "c-0-1-days": "30", "c-0-1-code": "131026",
        "c-1-0-on": "consent", "c-1-0-op": "is", "c-1-0-value": "unsubscribed",
    }  # fmt: skip
    page = manager.post("/segments/new", name="Lost", **rule)
    assert "the tag city is one of Madrid, Sevilla" in page
    assert "failed in any campaign with error 131026 in the last 30 days" in page
    with panel.rt.database.read() as session:
        stored = session.scalars(select(Segment.rule).where(Segment.name == "Lost")).one()
    assert stored["any"][0]["all"][0] == {"on": "tag", "op": "in", "name": "city", "value": ["Madrid", "Sevilla"]}
    assert "is not one of" in manager.refused("/segments/new", name="Bad", **(rule | {"c-1-0-value": "maybe"}))
    assert "at least one condition" in manager.refused("/segments/new", name="Empty")
    assert "it holds a character that is no text" in manager.refused("/segments/new", name="L\x00st", **rule)
    assert "There is a segment “Lost” already" in manager.refused("/segments/new", name=" Lost", **rule)
    assert "131026" in manager.get("/segments/2/edit")


def test_the_builder_counts_before_anything_is_saved_and_marks_what_is_wrong(panel: Panel, manager: Visitor) -> None:
    form: dict[str, Any] = {
        "c-0-0-on": "tag", "c-0-0-name": "city", "c-0-0-op": "is", "c-0-0-value": "Madrid",
        "c-0-3-on": "last_engaged", "c-0-3-op": "unknown",
        "c-2-0-on": "consent", "c-2-0-op": "is", "c-2-0-value": "unsubscribed",
    }  # fmt: skip
    answer = manager.send("/segments/count", **form).json
    assert answer is not None
    assert (answer["done"], answer["counts"]) == (True, {"c-0-0": "60", "c-0-3": "62", "c-2-0": "1"})
    assert "61</b>" in answer["parts"]["matches"]
    assert "Bob" in answer["parts"]["matches"] or "Person 0" in answer["parts"]["matches"]
    typing = form | {"c-0-1-on": "last_inbound", "c-0-1-op": "after", "c-0-1-value": ""}
    answer = manager.send("/segments/count", **typing).json
    assert answer is not None
    assert answer["problems"]["c-0-1"] == "", "somebody is at it"
    assert "once every condition is complete" in answer["parts"]["matches"]
    answer = manager.send("/segments/count", **(typing | {"c-0-1-value": "soon"})).json
    assert answer is not None
    assert answer["problems"]["c-0-1"].startswith("Value 'soon' must be a date")
    assert (answer["counts"]["c-0-0"], answer["counts"]["c-0-1"]) == ("60", "")
    page = manager.refused("/segments/new", name="Lost", **typing)
    assert "look at the marked conditions" in page
    assert "Fill in the value." in page
    dropped = manager.send("/segments/new", name="Lost", drop="c-0-3", count="1", **form).text
    assert ('last_engaged" selected' in dropped, "61</b>" in dropped) == (False, True)
    with panel.rt.database.read() as session:
        assert list(session.scalars(select(Segment.name))) == ["Madrid"]


def test_a_count_of_many_comes_in_pieces_and_says_that_it_is_not_done(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in (
        (segments, "FIRST_SLICE", 25),
        (panel_segments, "ASK_SECONDS", 0),
        (panel_segments, "PAGE_SECONDS", 0),
    ):
        monkeypatch.setattr(module, name, value)
    page = manager.get("/segments/1/")
    assert "Still counting: 39 % looked at." in page
    state = unescape(re.search(r'data-state="([^"]+)"', page)[1])  # type: ignore[index]
    found = []
    for _ in range(2):
        answer = json.loads(manager.get(f"/segments/1/live?{urlencode({'state': state})}"))
        found.append((answer["counts"]["c-0-0"], answer["done"]))
        state = answer["state"]
    assert found == [("47…", False), ("60", True)]
    with panel.rt.database.write() as session:
        session.get_one(Segment, 1).rule = {"all": [{"on": "tag", "op": "has", "name": "<b>"}]}
    assert "there is no tag &#39;&lt;b&gt;&#39;" in json.loads(manager.get("/segments/1/live"))["parts"]["matches"]


def test_what_the_browser_brings_back_is_counted_on_only_if_it_fits(
    manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "FIRST_SLICE", 25)
    monkeypatch.setattr(panel_segments, "ASK_SECONDS", 0)
    state = json.loads(manager.get("/segments/1/live"))["state"]
    for bad in ("", "[", "[1,2,3,4,5,6,7]", state.replace("22", "-1"), re.sub(r"\[[^[]*\]\]$", "{}]", state)):
        assert json.loads(manager.get(f"/segments/1/live?{urlencode({'state': bad})}"))["counts"] == {"c-0-0": "22…"}


def test_a_past_campaign_is_chosen_by_its_name(panel: Panel, manager: Visitor) -> None:
    with panel.rt.database.write() as session:
        session.get_one(Campaign, 1).name = "Winter"
    assert '<option value="Winter (1)">' in manager.get("/segments/new")
    for typed in ("Winter (1)", "Winter", "1"):
        rule: dict[str, Any] = {"c-0-0-on": "campaign", "c-0-0-op": "not_replied", "c-0-0-campaign": typed}
        assert "did not reply to “Winter”" in manager.post("/segments/new", name=f"Silent {typed}", **rule)
    with panel.rt.database.read() as session:
        stored = session.scalars(select(Segment.rule).where(Segment.name.startswith("Silent"))).all()
    assert [it["any"][0]["all"][0]["campaign"] for it in stored] == [1, 1, 1]
    assert 'value="Winter (1)"' in manager.get("/segments/2/edit")
    rule["c-0-0-campaign"] = "Summer (1)"
    page = manager.refused("/segments/new", name="Typo", **rule)
    assert 'value="Summer (1)"' in page
    assert "There is no launched campaign “Summer (1)”. Choose one from the list." in page


def test_an_agent_answers_takes_closes_and_hands_over(panel: Panel, redis: Redis) -> None:
    agent = panel.of(Role.AGENT)
    assert "allowed are 1 to 4096" in agent.post("/inbox/2/answer", text="  ")
    agent.post("/inbox/2/answer", text="Yes!\r\nIn three greens.")
    with panel.rt.database.read() as session:
        message = session.scalars(select(Message).where(Message.author == "agent@example.com")).one()
        talk = session.get_one(Conversation, 2)
        case = session.scalars(select(Case).where(Case.contact_id == talk.contact_id, Case.closed_at.is_(None))).one()
    assert (message.state, message.body, case.agent) == (
        MessageState.QUEUED,
        "Yes!\nIn three greens.",
        "agent@example.com",
    )
    assert queue(redis, ANSWER).count == 1
    assert "holds this conversation already" in agent.post("/inbox/2/take")
    assert "Closed." in agent.post("/inbox/2/close")
    assert "No case is open" in agent.post("/inbox/2/close")
    assert "goes on from here" in agent.post("/inbox/2/hand", flow="1")
    assert "no such bot flow" in agent.post("/inbox/2/hand", flow="99")
    with panel.rt.database.read() as session:
        assert session.get_one(Conversation, 2).handed_flow_id == 1


def test_outside_the_window_nobody_can_answer(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        session.get_one(Conversation, 2).last_inbound_at = None
    agent = panel.of(Role.AGENT)
    assert "allows only templates now" in agent.get("/inbox/2/")
    assert "24 hours old" in agent.post("/inbox/2/answer", text="Hello")


def test_a_flow_is_checked_loaded_and_made_the_one_for_strangers(panel: Panel, manager: Visitor) -> None:
    text = "name: hi\nstart: a\nnodes:\n  a:\n    type: message\n    text: Hello\n    next: nowhere\n"
    assert "nowhere" in manager.refused("/flows/load", text=text)
    right = text.replace("    next: nowhere\n", "")
    assert "hi is right: 1 nodes" in manager.send("/flows/load", text=right, check="1").text
    file = (io.BytesIO(right.replace("\n", "\r\n").encode()), "hi.yaml")
    assert "hi is at version 1" in manager.post("/flows/load", file=file)
    assert "Takes strangers" in manager.post("/flows/2/fallback", on="1")
    with panel.rt.database.read() as session:
        assert session.get_one(Flow, 2).is_fallback
    assert "not UTF-8" in manager.refused("/flows/load", file=(io.BytesIO(b"\xff\xff"), "x.yaml"))


def test_a_stopped_number_goes_on_when_an_administrator_says_so(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        number = session.get_one(Number, 1)
        number.stopped_at, number.stopped_reason = number.created_at, "the token was refused"
    admin = panel.of(Role.ADMIN)
    assert "the token was refused" in admin.get("/")
    assert "may send again" in admin.post("/numbers/1/resume")
    assert "is not stopped" in admin.post("/numbers/1/resume")
    assert "allowed are 1 to 1000" in admin.post("/numbers/1/speed", per_second="lots")
    admin.post("/numbers/1/speed", per_second="500")
    with panel.rt.database.read() as session:
        number = session.get_one(Number, 1)
        assert (number.stopped_at, number.messages_per_second) == (None, 500)


def test_a_number_is_checked_at_meta_before_it_is_kept(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    given: dict[str, Any] = {"name": "Second", "phone_number_id": "abc", "waba_id": "1", "display_phone": ""}
    page = admin.refused("/numbers/add", token="secret-token-of-mine", **given)
    assert "Allowed are the digits" in page
    assert "secret-token-of-mine" not in page
    page = admin.refused("/numbers/add", token="secret-token-of-mine", **(given | {"phone_number_id": "1"}))
    assert "secret-token-of-mine" not in page
    with panel.rt.database.read() as session:
        assert len(session.scalars(select(Number)).all()) == 1


def test_users_are_added_and_the_last_administrator_stays(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    page = admin.send("/users/add", email="Kim@example.com", role="agent").text
    one_time = re.search(r"<code>([A-Za-z0-9-]{19})</code>", page)
    assert one_time
    assert panel.visitor().sign_in("kim@example.com", one_time[1]).status_code == 303
    assert one_time[1] not in admin.get("/users/")
    assert "already" in admin.refused("/users/add", email="kim@example.com", role="agent")
    assert "allowed is an address" in admin.refused("/users/add", email="kim", role="agent")
    with panel.rt.database.read() as session:
        me = session.scalars(select(User.id).where(User.email == "admin@example.com")).one()
    assert "only administrator" in admin.post(f"/users/{me}/role", role="viewer")
    assert "only administrator" in admin.post(f"/users/{me}/active", on="0")


def test_settings_take_what_they_allow(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    assert "whole number" in admin.refused("/settings/frequency_cap_messages", value="-1")
    admin.post("/settings/frequency_cap_messages", value="3")
    admin.post("/settings/allow_untagged", value="yes")
    assert admin.send("/settings/encryption_fingerprint", value="x").status_code == 404
    with panel.rt.database.read() as session:
        assert read_setting(session, "frequency_cap_messages") == 3
        assert read_setting(session, "allow_untagged") is True


def test_the_audit_names_who_did_what(panel: Panel, manager: Visitor) -> None:
    manager.post("/contacts/1/tag", tag="summer")
    page = said(panel.of(Role.ADMIN).get("/audit/?kind=contact"))
    assert "manager@example.com tag contact 1" in page


def test_a_persons_data_is_exported_whole_and_that_is_in_the_audit(panel: Panel, manager: Visitor) -> None:
    assert "/contacts/1/person.json" in manager.get("/contacts/1/")
    answer = manager.client.get("/admin/contacts/1/person.json")
    assert answer.mimetype == "application/json"
    assert 'filename="contact-1.json"' in answer.headers["Content-Disposition"]
    found = json.loads(answer.text)
    assert found["contact"]["name"] == "Alice"
    assert [message["body"] for message in found["messages"]] == ["Do you have it in green?"]
    assert ("manager@example.com", "export") in panel.audited()
    manager.get("/contacts/999/person.json", 404)
    assert "person.json" not in panel.of(Role.AGENT).get("/contacts/1/")
    panel.of(Role.AGENT).get("/contacts/1/person.json", 403)


def test_a_value_with_a_comma_stays_one_value_in_the_builder() -> None:
    given = ["Madrid", "Smith, Inc", 'the "old" town', "a"]
    assert listed(given) == 'Madrid, "Smith, Inc", "the ""old"" town", a'
    assert unlisted(listed(given)) == given
    assert unlisted("a,b ,  c,, ") == ["a", "b", "c"]


def test_what_a_form_chose_stays_chosen_where_the_list_is_cut_short(manager: Visitor) -> None:
    app = manager.shell.app
    with app.app_context():
        macro: Any = app.jinja_env.get_template("panel/parts.html").module
        html = macro.select("who", "tag:zz", [("tag:a", "tag a")], empty="nobody")
        assert '<option value="tag:zz" selected>' in html
        assert "selected" not in macro.select("who", "", [("tag:a", "tag a")], empty="nobody")
        assert macro.select("who", "tag:a", [("tag:a", "tag a")]).count("<option") == 1
