"""Which user id replaced which: what is remembered, and what a redaction deletes."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.contacts.identity import Identity
from models.contacts.resolve import resolve_contact
from models.contacts.user_id_change import change_user_id
from models.contacts.user_ids import later_user_ids, remember_user_id, replaced_user_ids
from models.crypto import Vault, new_encryption_key
from models.privacy.data_export import export_person
from models.privacy.redact import redact_person
from models.tables.user_id_change import UserIdChange
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW

MINUTE = timedelta(minutes=1)


def test_of_two_reports_about_one_id_the_later_counts(session: Session) -> None:
    portfolio_id = make_number(session).waba.portfolio_id
    for new, minutes in (("ES.2", 5), ("ES.3", 9), ("ES.4", 7)):
        remember_user_id(session, portfolio_id, "ES.1", new, NOW + minutes * MINUTE, NOW)
    assert later_user_ids(session, portfolio_id, "ES.1") == ["ES.3"]


def test_an_id_counts_in_its_portfolio_alone(session: Session) -> None:
    portfolio_id = make_number(session).waba.portfolio_id
    remember_user_id(session, portfolio_id, "ES.1", "ES.2", NOW, NOW)
    pairs = {(portfolio_id, "ES.1"), (portfolio_id, "ES.2"), (portfolio_id + 1, "ES.1")}
    assert replaced_user_ids(session, pairs) == {(portfolio_id, "ES.1")}
    assert later_user_ids(session, portfolio_id + 1, "ES.1") == []


def test_a_person_is_told_of_a_changed_id_and_a_redaction_leaves_none(session: Session) -> None:
    portfolio_id = make_number(session).waba.portfolio_id
    first = Identity(portfolio_id=portfolio_id, bsuid="ES.1")
    contact_id = resolve_contact(session, first, NOW)
    change_user_id(session, first, Identity(portfolio_id=portfolio_id, bsuid="ES.2", at=NOW), NOW)
    remember_user_id(session, portfolio_id, "ES.8", "ES.9", NOW, NOW)
    [told] = export_person(session, contact_id)["user_id_changes"]
    assert (told["bsuid"], told["new_bsuid"]) == ("ES.1", "ES.2")
    assert redact_person(session, contact_id, Vault((new_encryption_key(),)), NOW, "test")
    left = session.scalars(select(UserIdChange.bsuid)).all()
    assert (left, session.scalar(select(func.count()).select_from(UserIdChange))) == (["ES.8"], 1)
