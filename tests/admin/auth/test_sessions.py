"""Sessions of browsers, from their beginning to their end, whatever happens in between."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from admin.auth.sessions import (
    OpenSession,
    SessionOrigin,
    begin_session,
    complete_session,
    confirm_session,
    end_all_sessions,
    end_other_sessions,
    end_session,
    find_session,
    hash_token,
    note_seen,
    sign_out,
)
from admin.auth.signed_in_user import SignedInUser
from admin.auth.users import change_role, reset_password, set_active
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.crypto import new_token
from models.errors import OperatorError
from models.tables.audit import Audit
from models.tables.browser_session import BrowserSession, EndReason, SignInMethod
from models.tables.user import Role, User

ORIGIN = SessionOrigin("192.0.2.1", "Firefox on Linux")


@pytest.fixture
def ana(rt: Runtime) -> SignedInUser:
    """An administrator beside another one."""
    with rt.database.write() as session:
        for email in ("ana@example.com", "ben@example.com"):
            values = {"password_hash": "-", "session_key": new_token(), "created_at": utcnow()}
            session.add(User(email=email, role=Role.ADMIN, **values))
    return user_of(rt, "ana@example.com")


def user_of(rt: Runtime, email: str) -> SignedInUser:
    with rt.database.read() as session:
        return SignedInUser.of(session.scalars(select(User).where(User.email == email)).one())


def signed_in(rt: Runtime, user: SignedInUser) -> str:
    """The token of a session that is signed in."""
    return complete_session(rt, begin_session(rt, user, SignInMethod.PASSWORD, ORIGIN, utcnow()), utcnow())


def opened(rt: Runtime, token: str) -> OpenSession:
    found = find_session(rt, token, utcnow())
    assert found is not None
    return found


def reasons(rt: Runtime) -> list[EndReason | None]:
    with rt.database.read() as session:
        return list(session.scalars(select(BrowserSession.end_reason).order_by(BrowserSession.id)))


def audited(rt: Runtime) -> list[str]:
    with rt.database.read() as session:
        return list(session.scalars(select(Audit.action).order_by(Audit.id)))


def test_a_session_is_pending_until_every_step_is_done_and_its_token_changes_then(
    rt: Runtime, ana: SignedInUser
) -> None:
    token = begin_session(rt, ana, SignInMethod.PASSWORD, ORIGIN, utcnow())
    pending = opened(rt, token)
    assert (pending.is_complete, pending.confirmed_at, pending.user) == (False, None, ana)
    assert audited(rt) == []
    complete = opened(rt, renewed := complete_session(rt, token, utcnow()))
    assert (complete.id, complete.is_complete) == (pending.id, True)
    assert complete.is_confirmed(utcnow())
    assert find_session(rt, token, utcnow()) is None
    with pytest.raises(OperatorError, match="too long"):
        complete_session(rt, renewed, utcnow())
    assert audited(rt) == ["sign_in"]


def test_a_sign_in_whose_steps_take_too_long_begins_again(rt: Runtime, ana: SignedInUser) -> None:
    token = begin_session(rt, ana, SignInMethod.PASSWORD, ORIGIN, utcnow() - timedelta(minutes=11))
    assert find_session(rt, token, utcnow()) is None
    with pytest.raises(OperatorError, match="too long"):
        complete_session(rt, token, utcnow())


def test_a_proof_counts_for_its_minutes_also_while_a_clock_is_an_hour_behind(rt: Runtime, ana: SignedInUser) -> None:
    complete, now = opened(rt, signed_in(rt, ana)), utcnow()
    assert complete.is_confirmed(now + timedelta(minutes=14))
    assert not complete.is_confirmed(now + timedelta(minutes=16))
    assert complete.is_confirmed(now - timedelta(seconds=5))
    assert not complete.is_confirmed(now - timedelta(hours=1))


def test_of_a_token_only_the_hash_is_kept(rt: Runtime, ana: SignedInUser) -> None:
    token = signed_in(rt, ana)
    with rt.database.read() as session:
        row = session.scalars(select(BrowserSession)).one()
    assert (row.token_hash, row.address, row.browser) == (hash_token(token), "192.0.2.1", "Firefox on Linux")
    assert find_session(rt, row.token_hash, utcnow()) is None


def test_a_session_ends_when_nobody_uses_it_and_after_the_longest_time_whatever_happens(
    rt: Runtime, ana: SignedInUser
) -> None:
    token, now = signed_in(rt, ana), utcnow()
    assert find_session(rt, token, now + timedelta(minutes=719)) is not None
    assert find_session(rt, token, now + timedelta(minutes=721)) is None
    for hour in range(1, 169):
        note_seen(rt, 1, now + timedelta(hours=hour))
    assert find_session(rt, token, now + timedelta(hours=167)) is not None
    assert find_session(rt, token, now + timedelta(hours=168, seconds=1)) is None


def test_the_use_of_a_session_is_written_once_a_minute(rt: Runtime, ana: SignedInUser) -> None:
    token = signed_in(rt, ana)
    session_id, before = opened(rt, token).id, opened(rt, token).last_seen_at
    note_seen(rt, session_id, before + timedelta(seconds=59))
    assert opened(rt, token).last_seen_at == before
    note_seen(rt, session_id, before + timedelta(seconds=61))
    note_seen(rt, session_id, before + timedelta(seconds=62))
    assert opened(rt, token).last_seen_at == before + timedelta(seconds=61)


def test_one_is_ended_or_all_the_others_and_never_somebody_elses(rt: Runtime, ana: SignedInUser) -> None:
    ben = user_of(rt, "ben@example.com")
    here, there, third, other = (signed_in(rt, user) for user in (ana, ana, ana, ben))
    with pytest.raises(OperatorError, match="ended already"):
        end_session(rt, ana.id, opened(rt, other).id, ana.email, utcnow())
    end_session(rt, ana.id, opened(rt, there).id, ana.email, utcnow())
    assert find_session(rt, there, utcnow()) is None
    assert end_other_sessions(rt, opened(rt, here), utcnow()) == 1
    assert find_session(rt, third, utcnow()) is None
    assert end_all_sessions(rt, ana.id, "ben@example.com", utcnow()) == 1
    assert find_session(rt, here, utcnow()) is None
    assert find_session(rt, other, utcnow()) is not None
    assert reasons(rt) == [EndReason.ENDED_BY_ADMIN, EndReason.ENDED_BY_USER, EndReason.ENDED_BY_USER, None]
    assert audited(rt)[-3:] == ["end_session", "end_sessions", "end_sessions"]


def test_another_role_a_reset_and_a_deactivation_end_every_session_at_once(rt: Runtime, ana: SignedInUser) -> None:
    changed = signed_in(rt, ana)
    change_role(rt, ana.id, "admin", "test")
    assert find_session(rt, changed, utcnow()) is not None
    change_role(rt, ana.id, "agent", "test")
    assert find_session(rt, changed, utcnow()) is None
    reset = signed_in(rt, user_of(rt, ana.email))
    reset_password(rt, ana.id, "test")
    assert find_session(rt, reset, utcnow()) is None
    deactivated = signed_in(rt, user_of(rt, ana.email))
    set_active(rt, ana.id, False, "test")
    assert find_session(rt, deactivated, utcnow()) is None
    assert reasons(rt) == [EndReason.ROLE_CHANGED, EndReason.PASSWORD_RESET, EndReason.DEACTIVATED]


def test_whoever_changes_their_own_role_goes_on_with_it_where_they_are(rt: Runtime, ana: SignedInUser) -> None:
    here, there = signed_in(rt, ana), signed_in(rt, ana)
    change_role(rt, ana.id, "manager", ana.email, keep=opened(rt, here).id)
    assert opened(rt, here).user.role is Role.MANAGER
    assert find_session(rt, there, utcnow()) is None


def test_a_sign_in_that_began_before_a_reset_does_not_outlive_it(rt: Runtime, ana: SignedInUser) -> None:
    pending = begin_session(rt, ana, SignInMethod.PASSWORD, ORIGIN, utcnow())
    reset_password(rt, ana.id, "test")
    with pytest.raises(OperatorError, match="too long"):
        complete_session(rt, pending, utcnow())
    with pytest.raises(OperatorError, match="was changed while you signed in"):
        begin_session(rt, ana, SignInMethod.PASSWORD, ORIGIN, utcnow())


def test_two_administrators_who_demote_each_other_at_once_leave_one(rt: Runtime, ana: SignedInUser) -> None:
    ben = user_of(rt, "ben@example.com")

    def demote(user: SignedInUser) -> bool:
        try:
            change_role(rt, user.id, "viewer", "test")
        except OperatorError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, (ana, ben)))
    assert sorted(done) == [False, True]
    assert sorted(user_of(rt, user.email).role for user in (ana, ben)) == ["admin", "viewer"]


def test_a_user_who_is_gone_has_no_session(rt: Runtime, ana: SignedInUser) -> None:
    token = signed_in(rt, ana)
    with rt.database.write() as session:
        session.delete(session.get_one(User, ana.id))
    assert find_session(rt, token, utcnow()) is None


def test_of_many_who_sign_out_of_one_session_at_once_one_does(rt: Runtime, ana: SignedInUser) -> None:
    here = opened(rt, signed_in(rt, ana))
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: sign_out(rt, here, utcnow()), range(8)))
    assert done.count(True) == 1
    assert audited(rt).count("sign_out") == 1
    with pytest.raises(OperatorError, match="ended meanwhile"):
        confirm_session(rt, here, SignInMethod.PASSWORD, utcnow())


def test_a_reset_and_a_sign_in_at_once_leave_no_session_of_the_old_password(rt: Runtime, ana: SignedInUser) -> None:
    def begin(_: int) -> str | None:
        try:
            return signed_in(rt, ana)
        except OperatorError:
            return None

    with ThreadPoolExecutor(6) as pool:
        begun = pool.map(begin, range(12))
        pool.submit(reset_password, rt, ana.id, "test").result()
        tokens = [token for token in begun if token]
    assert [token for token in tokens if find_session(rt, token, utcnow()) is not None] == []
