"""Reading our side at Meta again: what changes, what stays because an event said it later, what was dropped."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from jobs.maintenance.meta_sync import (
    put_number_fields,
    read_number,
    read_templates,
    sync_number,
    sync_templates,
    wake_syncs,
)
from models.clock import utcnow
from models.stored_texts import NUMBER_RESTRICTED
from models.tables.number import UNLIMITED, Number, Waba, WabaState
from models.tables.template import Template
from models.tables.template_life import DraftState, TemplateDraft, TemplateEventKind
from models.templates.definition.parse import check_template_json
from models.templates.drafts import claim_submission, remove_draft, write_draft, write_edit
from models.templates.life import life_of
from tests.support.cli_app import Shell
from tests.support.factories.campaigns import make_number, make_template
from tests.support.factories.common import NOW
from tests.support.template_files import template_json

pytestmark = [pytest.mark.usefixtures("number_added"), pytest.mark.sqlite_unless_proved]


def template(shell: Shell, name: str = "spring_sale", language: str = "en") -> Template:
    with shell.rt.database.read() as session:
        return session.scalars(select(Template).where(Template.name == name, Template.language == language)).one()


def waba_pk(shell: Shell) -> int:
    with shell.rt.database.read() as session:
        return session.scalars(select(Waba.id)).one()


def test_what_changed_at_meta_is_taken_over(shell: Shell) -> None:
    theirs = shell.meta.sim.world.find_template("spring_sale", "en")
    assert theirs is not None
    theirs.status = "PAUSED"
    result = read_templates(shell.rt, waba_pk(shell), utcnow())
    assert (result.updated, result.unchanged, result.created) == (1, 13, 0)
    assert template(shell).status == "PAUSED"


def test_the_opt_out_buttons_of_every_language_are_recognised(shell: Shell) -> None:
    languages = ("en", "es", "pt_BR")
    assert [template(shell, language=language).opt_out_buttons for language in languages] == [["1"]] * 3
    with shell.rt.database.write() as session:
        session.execute(update(Template).values(opt_out_buttons=None))
    read_templates(shell.rt, waba_pk(shell), utcnow(), "spring_sale")
    assert template(shell).opt_out_buttons == ["1"]
    assert template(shell, "new_collection").opt_out_buttons is None


def test_what_an_event_said_later_stays(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        later = utcnow() + timedelta(minutes=1)
        session.execute(update(Template).values(status="DISABLED", status_at=later, stale_at=later))
    read_templates(shell.rt, waba_pk(shell), utcnow())
    assert template(shell).status == "DISABLED"
    assert template(shell).stale_at is not None


def test_a_text_that_was_read_again_is_not_stale_any_more(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        session.execute(update(Template).values(stale_at=utcnow() - timedelta(minutes=1)))
    read_templates(shell.rt, waba_pk(shell), utcnow(), "spring_sale")
    assert template(shell).stale_at is None
    assert template(shell, "hello_world", "en_US").stale_at is not None


def test_reading_one_name_calls_no_other_template_missing(shell: Shell) -> None:
    assert read_templates(shell.rt, waba_pk(shell), utcnow(), "spring_sale").missing == 0
    assert read_templates(shell.rt, waba_pk(shell), utcnow(), "spring").missing == 0


def test_an_account_without_a_number_cannot_be_read(shell: Shell) -> None:
    with pytest.raises(LookupError):
        read_templates(shell.rt, 99, utcnow())


def test_a_number_s_fields_are_taken_over(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        session.execute(update(Number).values(status="UNKNOWN", quality="UNKNOWN"))
        pk = session.scalars(select(Number.id)).one()
    assert read_number(shell.rt, pk, utcnow()).status == "CONNECTED"


@pytest.mark.parametrize(
    ("stored", "level", "later"),
    [("STANDARD", "HIGH", "HIGH"), ("HIGH", "STANDARD", "STANDARD"), ("PHONE_APP", "STANDARD", "PHONE_APP"),
     ("PHONE_APP", "HIGH", "HIGH")],
)  # fmt: skip
def test_the_throughput_follows_meta_and_an_upgrade_told_later_stays(
    shell: Shell, stored: str, level: str, later: str
) -> None:
    with shell.rt.database.write() as session:
        number = make_number(session)
        number.throughput, number.throughput_at = stored, NOW + timedelta(seconds=1)
        put_number_fields(number, {"throughput": {"level": level}}, NOW)
        assert number.throughput == stored
        put_number_fields(number, {"throughput": {"level": level}}, NOW + timedelta(seconds=1))
        assert number.throughput == later


@pytest.mark.parametrize(
    ("tier", "limit"), [("TIER_2K", 2000), ("TIER_UNLIMITED", UNLIMITED), ("TIER_OF_TOMORROW", 250), (None, 250)]
)
def test_a_tier_that_nobody_has_heard_of_changes_nothing(shell: Shell, tier: str | None, limit: int) -> None:
    with shell.rt.database.write() as session:
        number = make_number(session, messaging_limit=250)
        put_number_fields(number, {"whatsapp_business_manager_messaging_limit": tier}, NOW)
        assert number.waba.portfolio.messaging_limit == limit


def test_what_an_event_said_of_a_number_later_stays(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        number = make_number(session, status="BANNED", state_at=NOW + timedelta(minutes=1))
        put_number_fields(number, {"status": "CONNECTED", "throughput": {"level": "HIGH"}}, NOW)
        assert (number.status, number.throughput) == ("BANNED", "HIGH")


@pytest.mark.parametrize(("seconds", "state"), [(-1, WabaState.OK), (1, WabaState.RESTRICTED)])
def test_an_account_goes_on_unless_it_was_restricted_after_meta_was_asked(
    shell: Shell, seconds: int, state: WabaState
) -> None:
    asked_at = utcnow()
    told: dict[str, Any] = {"state": WabaState.RESTRICTED, "state_reason": "Meta restricts the account."}
    with shell.rt.database.write() as session:
        session.execute(update(Waba).values(told | {"state_at": asked_at + timedelta(seconds=seconds)}))
        session.execute(update(Number).values(stopped_at=asked_at, stopped_reason=told["state_reason"]))
        pk = session.scalars(select(Number.id)).one()
    number = read_number(shell.rt, pk, asked_at)
    assert (number.waba.state, number.stopped_at is None) == (state, state is WabaState.OK)


@pytest.mark.parametrize(("seconds", "goes_on"), [(-1, True), (1, False)])
def test_a_restricted_number_goes_on_unless_it_was_restricted_after_meta_was_asked(
    shell: Shell, seconds: int, goes_on: bool
) -> None:
    asked_at = utcnow()
    reason = NUMBER_RESTRICTED(restrictions="RESTRICTED_BIZ_INITIATED_MESSAGING").stored()
    with shell.rt.database.write() as session:
        told_at = asked_at + timedelta(seconds=seconds)
        session.execute(update(Number).values(stopped_at=asked_at, stopped_reason=reason, state_at=told_at))
        pk = session.scalars(select(Number.id)).one()
    number = read_number(shell.rt, pk, asked_at)
    assert (number.stopped_at is None, number.stopped_reason is None) == (goes_on, goes_on)


def test_a_limit_that_meta_told_after_it_was_asked_stays(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        number = make_number(session, messaging_limit=2000)
        number.waba.portfolio.limit_read_at = NOW + timedelta(minutes=1)
        put_number_fields(number, {"whatsapp_business_manager_messaging_limit": "TIER_250"}, NOW)
        assert number.waba.portfolio.messaging_limit == 2000


def test_what_was_not_read_for_long_is_woken_once(shell: Shell) -> None:
    assert wake_syncs(shell.rt, utcnow() + timedelta(minutes=5)) == 0
    assert wake_syncs(shell.rt, utcnow() + timedelta(hours=2)) == 2
    assert wake_syncs(shell.rt, utcnow() + timedelta(hours=2)) == 0


def test_the_jobs_log_a_graph_api_that_is_away_and_go_on(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    pks: list[Any] = [waba_pk(shell)]
    with shell.rt.database.read() as session:
        pks.append(session.scalars(select(Number.id)).one())
    sync_templates(pks[0])
    sync_number(pks[1])
    assert caplog.text == ""
    shell.meta.stop()
    sync_templates(pks[0])
    sync_number(pks[1])
    assert caplog.text.count("could not be asked") == 2


def test_a_draft_is_never_missing_at_meta_and_is_taken_over_when_it_is_there(shell: Shell) -> None:
    coupon = check_template_json(template_json("coupon")).valid()
    there = check_template_json(template_json("coupon") | {"name": "coupon_gift", "language": "en"}).valid()
    with shell.rt.database.write() as session:
        row = session.scalars(select(Template).where(Template.name == "coupon_gift")).one()
        remove_draft(session, row, utcnow())
        for definition in (coupon, there):
            draft = write_draft(session, waba_pk(shell), definition, utcnow(), "ana")
            assert claim_submission(session, draft.id, utcnow())
    assert read_templates(shell.rt, waba_pk(shell), utcnow()).missing == 0
    assert template(shell, "coupon", "en_US").status == "DRAFT"
    adopted = template(shell, "coupon_gift")
    assert (adopted.status, adopted.meta_id is not None, adopted.missing_at) == ("APPROVED", True, None)
    with shell.rt.database.read() as session:
        assert session.get_one(TemplateDraft, adopted.id).state is DraftState.SUBMITTED
        kinds = {event.kind for event in life_of(session, adopted.id)}
    assert kinds == {TemplateEventKind.CREATED, TemplateEventKind.ADOPTED, TemplateEventKind.STATUS}


def test_a_template_that_was_submitted_after_the_list_was_asked_for_is_not_missing(shell: Shell) -> None:
    asked_at = utcnow()
    with shell.rt.database.write() as session:
        number = session.scalars(select(Number)).one()
        make_template(session, number, name="new", synced_at=utcnow() + timedelta(seconds=1))
    assert read_templates(shell.rt, waba_pk(shell), asked_at).missing == 0
    assert template(shell, "new").status == "APPROVED"


def test_the_life_of_a_template_tells_what_the_reading_changed(shell: Shell) -> None:
    theirs = shell.meta.sim.world.find_template("spring_sale", "en")
    assert theirs is not None
    theirs.status, theirs.rejected_reason = "REJECTED", "SCAM"
    read_templates(shell.rt, waba_pk(shell), utcnow())
    read_templates(shell.rt, waba_pk(shell), utcnow())
    shell.meta.sim.world.remove_template(theirs)
    read_templates(shell.rt, waba_pk(shell), utcnow())
    with shell.rt.database.read() as session:
        life = life_of(session, template(shell).id)
    assert [(event.before, event.after, event.reason) for event in reversed(life)] == [
        (None, "APPROVED", None), ("APPROVED", "REJECTED", "SCAM"), ("REJECTED", "DELETED", None),
    ]  # fmt: skip


def test_an_edit_whose_answer_was_lost_is_settled_once_meta_has_it(shell: Shell) -> None:
    row = template(shell, "opening_hours")
    edit = {
        "name": row.name,
        "language": "en",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Open all day"}],
    }
    with shell.rt.database.write() as session:
        row = session.get_one(Template, row.id)
        write_edit(session, row, check_template_json(edit).valid(), utcnow(), "ana")
        assert claim_submission(session, row.id, utcnow() - timedelta(minutes=4))
    read_templates(shell.rt, waba_pk(shell), utcnow())
    with shell.rt.database.read() as session:
        assert session.get_one(TemplateDraft, row.id).state is DraftState.SUBMITTING
    theirs = shell.meta.sim.world.find_template("opening_hours", "en")
    assert theirs is not None
    theirs.components = [{"type": "BODY", "text": "Open all day"}]
    read_templates(shell.rt, waba_pk(shell), utcnow())
    with shell.rt.database.read() as session:
        assert session.get_one(TemplateDraft, row.id).state is DraftState.SUBMITTED
        assert life_of(session, row.id)[0].kind is TemplateEventKind.EDIT_SUBMITTED
