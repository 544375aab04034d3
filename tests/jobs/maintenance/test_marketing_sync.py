"""Reading whether an account may use the Marketing Messages API, and what templates say of their price and time."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.meta.management import GraphError
from jobs.maintenance.marketing_sync import read_marketing_state, sync_marketing, wake_marketing
from jobs.maintenance.meta_sync import read_templates
from models.clock import utcnow
from models.stored_texts import show_stored
from models.tables.number import Number, Waba
from models.tables.template import Template
from tests.support.cli_app import Shell

pytestmark = [pytest.mark.usefixtures("number_added"), pytest.mark.sqlite_unless_proved]


def _waba(shell: Shell) -> Waba:
    with shell.rt.database.read() as session:
        return session.scalars(select(Waba)).one()


def _at_meta(shell: Shell, **values: Any) -> None:
    (waba,) = shell.meta.sim.world.wabas.values()
    for name, value in values.items():
        setattr(waba, name, value)


def test_what_meta_says_of_the_account_is_stored(shell: Shell) -> None:
    _at_meta(shell, onboarding="ELIGIBLE", terms="REQUEST_SENT", marketing_off=True, currency="USD")
    sync_marketing(_waba(shell).id)
    waba = _waba(shell)
    assert (waba.marketing_onboarding, waba.marketing_terms, waba.marketing_off_on_cloud_api, waba.currency) == (
        "ELIGIBLE", "REQUEST_SENT", True, "USD",
    )  # fmt: skip


def test_a_refusal_keeps_what_is_known_with_the_reason_and_is_not_repeated_at_once(shell: Shell) -> None:
    now = utcnow()
    read_marketing_state(shell.rt, _waba(shell).id, now)
    shell.meta.call(shell.meta.sim.faults.inject, {"kind": "refuse", "code": 100, "scope": "graph"})
    with pytest.raises(GraphError):
        read_marketing_state(shell.rt, _waba(shell).id, now + timedelta(days=2))
    waba = _waba(shell)
    assert waba.marketing_onboarding == "ONBOARDED"
    assert "Meta refused" in show_stored(waba.marketing_error)
    assert wake_marketing(shell.rt, now + timedelta(days=2, minutes=10)) == 0


def test_an_earlier_answer_does_not_undo_a_later_one(shell: Shell) -> None:
    now = utcnow()
    read_marketing_state(shell.rt, _waba(shell).id, now)
    _at_meta(shell, onboarding="ELIGIBLE")
    read_marketing_state(shell.rt, _waba(shell).id, now - timedelta(seconds=5))
    assert _waba(shell).marketing_onboarding == "ONBOARDED"


def test_an_account_that_uses_the_api_is_read_more_often(shell: Shell) -> None:
    now = utcnow()
    assert wake_marketing(shell.rt, now) == 1
    sync_marketing(_waba(shell).id)
    assert wake_marketing(shell.rt, now + timedelta(hours=1)) == 0
    with shell.rt.database.write() as session:
        session.execute(update(Number).values(marketing_api=True))
    assert wake_marketing(shell.rt, now + timedelta(hours=1)) == 1


def test_a_template_s_maximum_price_and_time_to_live_are_read(shell: Shell) -> None:
    theirs = shell.meta.sim.world.find_template("spring_sale", "en")
    assert theirs is not None
    theirs.extra |= {"optimization_spec": {"bid_amount": 5000}, "message_send_ttl_seconds": 43_200}
    assert read_templates(shell.rt, _waba(shell).id, utcnow()).updated == 1

    def stored() -> tuple[Any, Any]:
        with shell.rt.database.read() as session:
            query = select(Template).where(Template.name == "spring_sale", Template.language == "en")
            template = session.scalars(query).one()
            return template.optimization_spec, template.message_send_ttl_seconds

    assert stored() == ({"bid_amount": 5000}, 43_200)
    theirs.extra |= {"optimization_spec": "?", "message_send_ttl_seconds": 2**40}
    read_templates(shell.rt, _waba(shell).id, utcnow())
    assert stored() == (None, None)
