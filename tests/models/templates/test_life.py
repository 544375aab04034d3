"""The life of a template: its events, its edits, its draft and what becomes of a submission."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from models.errors import OperatorError
from models.tables.template import Template
from models.tables.template_life import DraftState, TemplateDraft, TemplateEventKind
from models.templates.advice import template_advice
from models.templates.definition.parse import check_template_json
from models.templates.definition.template import TemplateDefinition
from models.templates.drafts import (
    SUBMISSION_IS_LOST,
    adopt_draft,
    claim_submission,
    end_submission,
    remove_draft,
    write_draft,
    write_edit,
)
from models.templates.life import (
    DRAFT,
    edits_left,
    life_of,
    name_blocked_until,
    next_creation,
    pending_draft,
    record_event,
)
from models.templates.sendable import template_problems, why_not_sendable
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW
from tests.support.template_files import template_json

HOUR = timedelta(hours=1)


def coupon(**changes: str) -> TemplateDefinition:
    return check_template_json(template_json("coupon") | changes).valid()


@pytest.fixture
def draft(session: Session) -> Template:
    return write_draft(session, make_number(session).waba_id, coupon(), NOW, "ana")


def test_a_draft_is_a_template_that_no_campaign_can_send(draft: Template) -> None:
    assert (draft.status, draft.meta_id, draft.category) == (DRAFT, None, "MARKETING")
    assert why_not_sendable(draft) == "a draft"
    assert [problem.key for problem in template_problems(draft)] == ["template_approved"]


def test_writing_it_again_changes_the_draft(session: Session, draft: Template) -> None:
    again = write_draft(session, draft.waba_id, coupon(category="utility"), NOW + HOUR, "ben")
    assert (again.id, again.category) == (draft.id, "UTILITY")
    stored = session.get_one(TemplateDraft, draft.id)
    assert (stored.written_by, stored.written_at, stored.definition["category"]) == ("ben", NOW + HOUR, "UTILITY")
    assert [event.kind for event in life_of(session, draft.id)] == [TemplateEventKind.EDITED, TemplateEventKind.CREATED]


def test_a_template_that_meta_has_is_no_draft(session: Session) -> None:
    number = make_number(session)
    template = make_template(session, number, name="coupon", language="en_US")
    with pytest.raises(OperatorError, match="is APPROVED at Meta already"):
        write_draft(session, number.waba_id, coupon(), NOW, "ana")
    template.missing_at, template.status = NOW, "DELETED"
    assert write_draft(session, number.waba_id, coupon(), NOW, "ana").id == template.id


def test_an_edit_waits_beside_what_meta_has(session: Session) -> None:
    template = make_template(session, make_number(session), name="coupon", language="en_US")
    with pytest.raises(OperatorError, match="cannot change name or language"):
        write_edit(session, template, coupon(language="en"), NOW, "ana")
    write_edit(session, template, coupon(), NOW, "ana")
    waiting = pending_draft(session, template.id)
    assert waiting is not None
    assert waiting.definition["name"] == "coupon"
    assert template.status == "APPROVED"


def test_a_submission_is_claimed_once_until_its_answer_is_lost(session: Session, draft: Template) -> None:
    assert claim_submission(session, draft.id, NOW)
    assert not claim_submission(session, draft.id, NOW + timedelta(minutes=1))
    with pytest.raises(OperatorError, match="being submitted"):
        write_draft(session, draft.waba_id, coupon(), NOW + timedelta(minutes=1), "ana")
    assert claim_submission(session, draft.id, NOW + SUBMISSION_IS_LOST)
    end_submission(session, draft.id, DraftState.SUBMITTED, NOW + HOUR)
    session.expire_all()
    assert pending_draft(session, draft.id) is None
    assert not claim_submission(session, draft.id, NOW + HOUR)


def test_a_lost_submission_stays_lost_when_the_draft_is_written_again(session: Session, draft: Template) -> None:
    claim_submission(session, draft.id, NOW)
    session.expire_all()
    write_draft(session, draft.waba_id, coupon(), NOW + HOUR, "ana")
    assert session.get_one(TemplateDraft, draft.id).state is DraftState.SUBMITTING


def test_what_meta_lists_takes_over_a_submission_and_leaves_a_draft_as_an_edit(session: Session) -> None:
    number = make_number(session)
    lost = write_draft(session, number.waba_id, coupon(), NOW, "ana")
    claim_submission(session, lost.id, NOW)
    mine = write_draft(session, number.waba_id, coupon(language="es"), NOW, "ana")
    for template in (lost, mine):
        adopt_draft(session, template, NOW + HOUR)
    session.expire_all()
    assert pending_draft(session, lost.id) is None
    assert pending_draft(session, mine.id) is not None


def test_edits_of_an_approved_template_are_counted_for_a_day_and_a_month(session: Session) -> None:
    template = make_template(session, make_number(session))
    assert edits_left(session, template.id, NOW).next_at is None
    for days in range(2, 12):
        at = NOW - timedelta(days=days)
        record_event(session, template, TemplateEventKind.EDIT_SUBMITTED, at, "ana", before="APPROVED")
    record_event(session, template, TemplateEventKind.EDIT_SUBMITTED, NOW, "ana", before="REJECTED")
    left = edits_left(session, template.id, NOW)
    assert (left.today, left.this_month, left.next_at) == (1, 0, NOW + timedelta(days=19))
    record_event(session, template, TemplateEventKind.EDIT_SUBMITTED, NOW - HOUR, "ana", before="APPROVED")
    assert edits_left(session, template.id, NOW).today == 0
    other = make_template(session, make_number(session))
    record_event(session, other, TemplateEventKind.EDIT_SUBMITTED, NOW - HOUR, "ana", before="APPROVED")
    assert edits_left(session, other.id, NOW).next_at == NOW + 23 * HOUR


def test_new_templates_are_counted_for_an_hour(session: Session) -> None:
    template = make_template(session, make_number(session))
    for minute in range(100):
        assert next_creation(session, template.waba_id, NOW) is None
        at = NOW - timedelta(seconds=30 * minute)
        record_event(session, template, TemplateEventKind.SUBMITTED, at, "ana")
    assert next_creation(session, template.waba_id, NOW) == NOW - timedelta(seconds=30 * 99) + HOUR
    assert next_creation(session, template.waba_id, NOW + HOUR) is None


def test_the_name_of_an_approved_template_is_blocked_for_30_days(session: Session) -> None:
    template = make_template(session, make_number(session))
    record_event(session, template, TemplateEventKind.DELETED, NOW, "ana", before="REJECTED")
    assert name_blocked_until(session, template.id, NOW) is None
    record_event(session, template, TemplateEventKind.DELETED, NOW, "ana", before="APPROVED")
    assert name_blocked_until(session, template.id, NOW + HOUR) == NOW + timedelta(days=30)
    assert name_blocked_until(session, template.id, NOW + timedelta(days=31)) is None


def test_a_removed_draft_leaves_nothing_unless_a_campaign_names_it(session: Session, draft: Template) -> None:
    number = make_number(session)
    named = write_draft(session, number.waba_id, coupon(), NOW, "ana")
    make_campaign(session, number, named)
    template_id = draft.id
    for template in (draft, named):
        remove_draft(session, template, NOW)
    session.flush()
    session.expire_all()
    assert session.get(Template, template_id) is None
    assert life_of(session, template_id) == []
    assert (named.status, named.missing_at) == ("DELETED", NOW)


def test_every_status_and_reason_says_what_to_do() -> None:
    assert template_advice("APPROVED") is None
    assert "Wait" in str(template_advice("PENDING"))
    assert "samples" in str(template_advice("REJECTED", "INVALID_FORMAT"))
    assert "appeal" in str(template_advice("REJECTED", "SOMETHING_NEW"))
