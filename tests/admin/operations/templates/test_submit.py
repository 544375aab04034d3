"""Submitting: what Meta takes and refuses, and what becomes of an answer that is lost."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from admin.operations.templates import submit
from admin.operations.templates.accounts import account_of, template_admin
from admin.operations.templates.drafts import edit_template
from admin.operations.templates.submit import submit_template
from bot.meta.management import GraphError
from bot.meta.template_admin import TemplateAdmin
from bot.sandbox.seed import WABA_ID
from models.clock import utcnow
from models.crypto import WrongKeyError
from models.errors import OperatorError
from models.stored_texts import show_stored
from models.tables.number import Number
from models.tables.template import Template
from models.tables.template_life import DraftState, TemplateDraft, TemplateEventKind
from models.templates.definition.problems import DefinitionError
from models.templates.drafts import SUBMISSION_IS_LOST
from tests.support.cli_app import Shell
from tests.support.template_files import changed, template_json
from tests.support.templates import ANA, at_meta, draft_of, life, row_of, write_coupon

pytestmark = [pytest.mark.usefixtures("number_added"), pytest.mark.sqlite_unless_proved]


@pytest.fixture
def slow_review(shell: Shell) -> None:
    shell.meta.configure(review_seconds=600.0)


def lose(patch: pytest.MonkeyPatch, name: str) -> None:
    """Meta does what it is asked, and its answer never comes."""
    done = getattr(TemplateAdmin, name)

    def call(self: TemplateAdmin, *args: Any) -> Any:
        done(self, *args)
        raise GraphError("the Graph API could not be asked", is_transient=True)

    patch.setattr(TemplateAdmin, name, call)


def a_while_later(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        session.execute(update(TemplateDraft).values(state_at=utcnow() - SUBMISSION_IS_LOST - timedelta(seconds=1)))


@pytest.mark.usefixtures("slow_review")
def test_a_submitted_draft_is_pending_with_metas_id(shell: Shell) -> None:
    draft = write_coupon(shell)
    assert submit_template(shell.rt, "coupon", "en_US", ANA).status == "PENDING"
    row = row_of(shell, "coupon", "en_US")
    assert (row.id, row.meta_id) == (draft.id, at_meta(shell, "coupon", "en_US").id)
    stored = draft_of(shell, row.id)
    assert stored is not None
    assert stored.state is DraftState.SUBMITTED
    assert [(event.kind, event.after) for event in life(shell, row.id)] == [
        (TemplateEventKind.CREATED, "DRAFT"), (TemplateEventKind.SUBMITTED, "PENDING"),
    ]  # fmt: skip


def test_metas_refusal_is_one_line_with_her_reason_and_the_draft_stays(shell: Shell) -> None:
    draft = write_coupon(shell, name="coupon")
    world = shell.meta.sim.world
    world.blocked[WABA_ID, "coupon", "en_US"] = 9e9
    with pytest.raises(OperatorError, match=r"is being deleted: try again in 4 weeks.*what is written stays"):
        submit_template(shell.rt, "coupon", "en_US", ANA)
    assert row_of(shell, "coupon", "en_US").status == "DRAFT"
    refusal = life(shell, draft.id)[-1]
    assert refusal.kind is TemplateEventKind.REFUSED
    assert "try again in 4 weeks" in show_stored(refusal.reason)
    world.blocked.clear()
    assert submit_template(shell.rt, "coupon", "en_US", ANA).status in {"PENDING", "APPROVED"}


def test_a_template_whose_answer_was_lost_is_found_at_meta_at_once(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = write_coupon(shell)
    lose(monkeypatch, "create_template")
    assert submit_template(shell.rt, "coupon", "en_US", ANA).status in {"PENDING", "APPROVED"}
    row = row_of(shell, "coupon", "en_US")
    assert row.meta_id == at_meta(shell, "coupon", "en_US").id
    assert TemplateEventKind.ADOPTED in [event.kind for event in life(shell, draft.id)]


def test_a_process_that_dies_after_metas_answer_makes_no_second_template(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_coupon(shell)
    with monkeypatch.context() as patch:
        patch.setattr(submit, "_store_answer", lambda *_, **__: (_ for _ in ()).throw(SystemExit(1)))
        with pytest.raises(SystemExit):
            submit_template(shell.rt, "coupon", "en_US", ANA)
    with pytest.raises(OperatorError, match="being submitted"):
        submit_template(shell.rt, "coupon", "en_US", ANA)
    a_while_later(shell)
    monkeypatch.setattr(TemplateAdmin, "create_template", lambda *_: pytest.fail("made a second time"))
    submit_template(shell.rt, "coupon", "en_US", ANA)
    assert row_of(shell, "coupon", "en_US").meta_id == at_meta(shell, "coupon", "en_US").id


def test_a_process_that_dies_before_meta_is_called_is_submitted_later(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_coupon(shell)
    with monkeypatch.context() as patch:
        patch.setattr(submit, "_call_meta", lambda *_: (_ for _ in ()).throw(SystemExit(1)))
        with pytest.raises(SystemExit):
            submit_template(shell.rt, "coupon", "en_US", ANA)
    assert shell.meta.sim.world.find_template("coupon", "en_US") is None
    a_while_later(shell)
    assert submit_template(shell.rt, "coupon", "en_US", ANA).status in {"PENDING", "APPROVED"}


def test_another_template_of_this_name_at_meta_is_not_taken_for_ours(shell: Shell) -> None:
    write_coupon(shell)
    with shell.rt.database.read() as session:
        account = account_of(session)
    with template_admin(shell.rt, account) as graph:
        graph.create_template(account.waba_id, changed(template_json("coupon"), "components.0.text", "Other words"))
    with pytest.raises(OperatorError, match="already en_US content"):
        submit_template(shell.rt, "coupon", "en_US", ANA)
    assert row_of(shell, "coupon", "en_US").status == "DRAFT"


@pytest.mark.usefixtures("slow_review")
def test_an_approved_template_is_edited_once_a_day(shell: Shell) -> None:
    body = {"type": "BODY", "text": "Our shop is open all day, every day of the week."}
    definition = {"name": "opening_hours", "language": "en", "category": "UTILITY", "components": [body]}
    edit_template(shell.rt, "opening_hours", "en", definition, ANA)
    assert row_of(shell, "opening_hours", "en").status == "APPROVED"
    assert submit_template(shell.rt, "opening_hours", "en", ANA).status == "PENDING"
    assert at_meta(shell, "opening_hours", "en").components == [body]
    row = row_of(shell, "opening_hours", "en")
    assert row.components == [body]
    with pytest.raises(OperatorError, match="nothing is written"):
        submit_template(shell.rt, "opening_hours", "en", ANA)
    edit_template(shell.rt, "opening_hours", "en", changed(definition, "components.0.text", "Open on Sundays"), ANA)
    with pytest.raises(OperatorError, match="is PENDING at Meta"):
        submit_template(shell.rt, "opening_hours", "en", ANA)
    with shell.rt.database.write() as session:
        session.execute(update(Template).where(Template.id == row.id).values(status="APPROVED"))
    with pytest.raises(OperatorError, match=r"one edit of an approved template in 24 hours.*the next one at 20"):
        submit_template(shell.rt, "opening_hours", "en", ANA)
    with pytest.raises(DefinitionError, match="cannot be changed; it is UTILITY"):
        edit_template(shell.rt, "opening_hours", "en", definition | {"category": "MARKETING"}, ANA)


def test_a_time_to_live_alone_is_no_edit_that_is_counted(shell: Shell) -> None:
    row = row_of(shell, "cart_reminder", "en")
    for seconds in (50_000, 60_000):
        definition = {
            "name": row.name, "language": row.language, "category": row.category, "components": row.components,
            "message_send_ttl_seconds": seconds,
        }  # fmt: skip
        edit_template(shell.rt, row.name, row.language, definition, ANA)
        assert submit_template(shell.rt, row.name, row.language, ANA).status == "APPROVED"
    assert at_meta(shell, row.name, row.language).extra == {"message_send_ttl_seconds": 60_000}


def test_a_sample_that_is_gone_is_asked_for_again(shell: Shell) -> None:
    image = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW=="]}}
    row = write_coupon(shell, components=[image, *template_json("coupon")["components"][1:]])
    with shell.rt.database.write() as session:
        draft = session.get_one(TemplateDraft, row.id)
        gone = changed(draft.definition, "components.0.example.header_handle", [f"file:{'a' * 64}.jpg"])
        draft.definition = gone
    with pytest.raises(DefinitionError, match=r"components\[0\].example.header_handle: is neither"):
        submit_template(shell.rt, "coupon", "en_US", ANA)


def test_a_meta_that_answers_nonsense_leaves_the_draft(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    write_coupon(shell)
    monkeypatch.setattr(TemplateAdmin, "create_template", lambda *_: {"id": None})
    with pytest.raises(OperatorError, match="no answer of Meta's came"):
        submit_template(shell.rt, "coupon", "en_US", ANA)
    assert row_of(shell, "coupon", "en_US").status == "DRAFT"


@pytest.mark.usefixtures("slow_review")
def test_another_picture_alone_is_an_edit_and_a_max_price_alone_needs_no_picture(shell: Shell) -> None:
    row = row_of(shell, "new_collection", "en")
    theirs = at_meta(shell, "new_collection", "en")
    theirs.components[0]["example"]["header_handle"] = ["https://scontent.example/a.jpg"]
    shell.ok("templates", "sync")
    spec = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}
    row = row_of(shell, "new_collection", "en")
    definition = {"name": row.name, "language": "en", "category": "MARKETING", "components": row.components}
    edit_template(shell.rt, row.name, "en", definition | {"optimization_spec": spec}, ANA)
    assert submit_template(shell.rt, row.name, "en", ANA).status == "APPROVED"
    assert at_meta(shell, row.name, "en").extra == {"optimization_spec": spec}
    with pytest.raises(DefinitionError, match="Meta wants the file again"):
        edit_template(
            shell.rt, row.name, "en", changed(definition, "components.1.text", "Hello {{1}}, look at it."), ANA
        )
    other = changed(definition, "components.0.example.header_handle", ["4::b3RoZXI="]) | {"optimization_spec": spec}
    edit_template(shell.rt, row.name, "en", other, ANA)
    assert submit_template(shell.rt, row.name, "en", ANA).status == "PENDING"
    assert at_meta(shell, row.name, "en").components[0]["example"]["header_handle"] == ["4::b3RoZXI="]


def test_a_token_that_cannot_be_read_is_said_and_the_draft_is_free(shell: Shell) -> None:
    draft = write_coupon(shell)
    with shell.rt.database.write() as session:
        session.execute(update(Number).values(access_token="nonsense"))
    with pytest.raises(WrongKeyError):
        submit_template(shell.rt, "coupon", "en_US", ANA)
    stored = draft_of(shell, draft.id)
    assert stored is not None
    assert stored.state is DraftState.WRITTEN
