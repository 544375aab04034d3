"""Changes of every kind: applied once, in the order of Meta's time, and nonsense changes nothing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.events.account.apply import HANDLERS, PERSONAL
from models.events.types import AccountChange
from models.tables.audit import Audit
from models.tables.campaign import Campaign, PauseReason
from models.tables.contact import Contact
from models.tables.number import Number, WabaState
from models.tables.template import Template
from tests.support.account_webhooks import CHANGES, TOLD_AT, after, apply, audited, recorded


@pytest.mark.parametrize("name", CHANGES)
def test_every_recorded_change_is_applied_once_and_leaves_a_line_in_the_audit(
    session: Session, template: Template, name: str
) -> None:
    first, second = apply(session, name), apply(session, name)
    if name.startswith("personal_"):
        assert (first.ignored, audited(session)) == (1, [])
        return
    assert (first.applied, second.repeated) == (1, 1)
    assert len(audited(session)) >= 1


def test_every_kind_has_a_recorded_payload() -> None:
    assert {recorded(name).field for name in CHANGES} >= set(HANDLERS)


def test_an_account_that_is_not_ours_is_counted(session: Session, template: Template) -> None:
    assert apply(session, replace(recorded("template_paused"), waba_id="someone")).unknown_accounts == 1
    assert template.status == "APPROVED"


@pytest.mark.parametrize("name", [name for name in CHANGES if name.startswith("personal_")])
def test_what_people_wrote_or_did_elsewhere_leaves_nothing_here(session: Session, number: Number, name: str) -> None:
    assert apply(session, name).ignored == 1
    assert audited(session) == []
    assert session.scalars(select(Contact)).all() == []


def test_every_personal_field_has_a_recorded_payload() -> None:
    fields = {recorded(name).field for name in CHANGES if name.startswith("personal_")}
    assert {part for part in PERSONAL if any(field.startswith(part) for field in fields)} == set(PERSONAL)


def test_a_field_that_nobody_knows_is_kept_without_what_people_wrote(session: Session, number: Number) -> None:
    told = replace(recorded("unknown_field"), value={"event": "STARTED", "text": "my secret is 4711", "action": "GO"})
    apply(session, told)
    line = session.scalars(select(Audit)).one()
    assert (line.action, line.actor, line.object_id) == ("unknown_webhook", "meta", str(number.waba_id))
    assert line.detail["said"] == {"event": "STARTED", "action": "GO"}
    assert "4711" not in json.dumps(line.detail)


def test_changes_of_one_batch_are_applied_in_the_order_of_metas_time(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, recorded("template_disabled", after(2)), recorded("template_approved", after(1)), "template_paused")
    assert (template.status, template.status_at, campaign.pause_reason) == (
        "DISABLED",
        after(2),
        PauseReason.TEMPLATE_PAUSED,
    )


def test_nonsense_in_a_known_field_changes_nothing(session: Session, number: Number, template: Template) -> None:
    values: list[dict[str, Any]] = [
        {},
        {"event": 7},
        {"user_preferences": "x"},
        {"restriction_info": 3, "event": "ACCOUNT"},
    ]
    changes = [AccountChange(name, number.waba.waba_id, TOLD_AT, value) for name in HANDLERS for value in values]
    assert apply(session, *changes).applied == len(changes)
    assert (template.status, number.waba.state) == ("APPROVED", WabaState.OK)
    assert session.scalar(select(func.count()).select_from(Contact)) == 0
