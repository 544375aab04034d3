"""Single sign-on at the panel, by a provider that says whatever a test has it say."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from redis import Redis
from sqlalchemy import select
from werkzeug.test import TestResponse

from admin.auth.attempts import SIGN_ON, take_address_attempt
from admin.auth.sso.accounts import sign_on
from admin.auth.sso.id_token import Claims
from admin.auth.users import find_user, set_active
from admin.operations.settings import set_setting
from models.clock import utcnow
from models.errors import OperatorError
from models.oidc_settings import OidcSettings
from models.tables.external_identity import ExternalIdentity
from models.tables.user import Role, User
from tests.support.oidc_provider import SayingProvider
from tests.support.panel_app import PASSWORD, Panel, Visitor, open_panel, said
from tests.support.second_factors import STEP, add_app, code_at

pytestmark = pytest.mark.sqlite_unless_proved

ANA = {"sub": "u-1", "email": "Ana@Example.com", "email_verified": True, "roles": ["manager"]}


@pytest.fixture
def joined(tmp_path: Path, database_url: str, redis: Redis, redis_url: str, oidc: SayingProvider) -> Iterator[Panel]:
    """A panel that has the provider."""
    with open_panel(tmp_path, database_url, redis_url, oidc=oidc.settings()) as opened:
        oidc.claims = dict(ANA)
        yield opened


def go(visitor: Visitor, start: str = "/sign-in/sso") -> dict[str, str]:
    """To the provider: what the browser brings there."""
    answer = visitor.client.get(f"/admin{start}")
    assert answer.status_code == 303, said(answer.text)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}


def come_back(visitor: Visitor, oidc: SayingProvider, start: str = "/sign-in/sso", **claims: Any) -> TestResponse:
    """To the provider and back, who says these claims."""
    asked = go(visitor, start)
    oidc.claims = oidc.claims | {"nonce": asked["nonce"]} | claims
    return visitor.client.get("/admin/sign-in/sso/callback", query_string={"code": "c-1", "state": asked["state"]})


def user_of(panel: Panel, email: str = "ana@example.com") -> User:
    return find_user(panel.rt, email)


def refusal(answer: TestResponse, status: int = 403) -> str:
    assert answer.status_code == status, (answer.status_code, answer.location)
    return said(answer.text)


def test_a_person_of_the_provider_becomes_a_user_and_comes_in(joined: Panel, oidc: SayingProvider) -> None:
    visitor = joined.visitor()
    asked = go(visitor, "/sign-in/sso?next=/admin/campaigns/")
    assert (asked["response_type"], asked["code_challenge_method"], len(asked["code_challenge"])) == (
        "code",
        "S256",
        43,
    )
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/admin/sign-in/sso/callback"
    answer = come_back(visitor, oidc, "/sign-in/sso?next=/admin/campaigns/")
    assert (answer.status_code, answer.location) == (303, "/admin/campaigns/")
    assert "Campaigns" in visitor.get("/campaigns/")
    assert user_of(joined).role is Role.MANAGER
    assert ("single_sign_on", "add") in joined.audited()
    assert ("ana@example.com", "sign_in") in joined.audited()
    assert joined.visitor().sign_in("ana@example.com", "anything at all").status_code == 401


@pytest.mark.sqlite_only
def test_who_is_a_user_is_linked_once_by_a_verified_email_and_then_by_the_id_alone(
    joined: Panel, oidc: SayingProvider
) -> None:
    agent = {"email": "agent@example.com", "roles": "agent"}
    assert "verified" in refusal(come_back(joined.visitor(), oidc, **agent, email_verified=False))
    assert come_back(joined.visitor(), oidc, **agent, email_verified=True).status_code == 303
    assert come_back(joined.visitor(), oidc, email="changed@example.com", roles="agent").status_code == 303
    other = come_back(joined.visitor(), oidc, sub="u-2", email="agent@example.com", roles="admin")
    assert "linked to another account" in refusal(other)
    assert user_of(joined, "agent@example.com").role is Role.AGENT
    assert "Unlink" in joined.of(Role.ADMIN).get("/users/")
    joined.shell.ok("users", "unlink-account", "agent@example.com")
    assert "not linked" in joined.shell.refused("users", "unlink-account", "agent@example.com")
    back = come_back(joined.visitor(), oidc, sub="u-2", email="agent@example.com", roles="agent")
    assert back.status_code == 303


@pytest.mark.sqlite_only
def test_roles_are_read_again_at_each_sign_in(joined: Panel, oidc: SayingProvider) -> None:
    first = joined.visitor()
    come_back(first, oidc)
    assert come_back(joined.visitor(), oidc, roles=["agent", "something"]).status_code == 303
    assert user_of(joined).role is Role.AGENT
    assert first.client.get("/admin/").location.startswith("/admin/sign-in")
    refused: tuple[Any, ...] = ("boss", [], None, {"admin": 1})
    for roles in refused:
        assert "no role in Hark" in refusal(come_back(joined.visitor(), oidc, roles=roles))
    assert ("somebody", "sign_on_refused") in joined.audited()
    set_setting(joined.rt, "single_sign_on_roles", "boss=admin", "test")
    come_back(joined.visitor(), oidc, roles="boss")
    assert user_of(joined).role is Role.ADMIN


@pytest.mark.sqlite_only
def test_the_only_administrator_is_not_taken_away_by_a_claim(joined: Panel, oidc: SayingProvider) -> None:
    answer = come_back(joined.visitor(), oidc, email="admin@example.com", roles="viewer")
    assert "only administrator" in refusal(answer)
    assert user_of(joined, "admin@example.com").role is Role.ADMIN


@pytest.mark.sqlite_only
def test_who_is_kept_out_stays_out(joined: Panel, oidc: SayingProvider) -> None:
    come_back(joined.visitor(), oidc)
    set_active(joined.rt, user_of(joined).id, False, "test")
    assert "keeps you out" in refusal(come_back(joined.visitor(), oidc))


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "query", [{}, {"state": "x", "code": "c"}, {"code": "c-1"}, {"state": "", "code": ""}, {"error": "access_denied"}]
)
def test_an_answer_that_nobody_asked_for_is_refused(joined: Panel, oidc: SayingProvider, query: dict[str, str]) -> None:
    assert "Begin again" in refusal(joined.visitor().client.get("/admin/sign-in/sso/callback", query_string=query), 400)
    visitor = joined.visitor()
    go(visitor)
    assert "Begin again" in refusal(visitor.client.get("/admin/sign-in/sso/callback", query_string=query), 400)
    assert oidc.asked[-1][0].endswith("openid-configuration")


@pytest.mark.sqlite_only
def test_an_answer_counts_once_and_in_the_browser_that_asked(joined: Panel, oidc: SayingProvider) -> None:
    mine, other = joined.visitor(), joined.visitor()
    asked = go(mine)
    oidc.claims["nonce"] = asked["nonce"]
    query = {"code": "c-1", "state": asked["state"]}
    assert other.client.get("/admin/sign-in/sso/callback", query_string=query).status_code == 400
    assert mine.client.get("/admin/sign-in/sso/callback", query_string=query).status_code == 303
    assert mine.client.get("/admin/sign-in/sso/callback", query_string=query).status_code == 400


@pytest.mark.sqlite_only
def test_a_provider_that_denies_lies_or_is_away_is_said_so(joined: Panel, oidc: SayingProvider) -> None:
    visitor = joined.visitor()
    asked = go(visitor)
    denied = {"error": "access_denied", "error_description": "<b>x</b>", "state": asked["state"]}
    answer = visitor.client.get("/admin/sign-in/sso/callback", query_string=denied)
    assert "You were not signed in at the provider" in refusal(answer)
    asked = go(visitor)
    mixed = {"code": "c", "state": asked["state"], "iss": "https://evil.example.com"}
    assert "another provider" in refusal(visitor.client.get("/admin/sign-in/sso/callback", query_string=mixed))
    assert "could not be verified" in refusal(come_back(visitor, oidc, aud="another"))
    oidc.status = 503
    gone = visitor.client.get("/admin/sign-in/sso/callback", query_string={"code": "c", "state": go(visitor)["state"]})
    assert "does not answer" in refusal(gone, 503)
    assert visitor.sign_in("viewer@example.com").status_code == 303


@pytest.mark.sqlite_only
def test_answers_that_gave_no_access_slow_their_address_down(joined: Panel, oidc: SayingProvider) -> None:
    for _ in range(SIGN_ON.free):
        take_address_attempt(joined.rt, SIGN_ON, "127.0.0.1")
    slowed = come_back(joined.visitor(), oidc)
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "1")
    assert [path for path, _ in oidc.asked].count("/token") == 0


@pytest.mark.sqlite_only
def test_passwords_can_be_switched_off_and_back_on(joined: Panel, oidc: SayingProvider) -> None:
    visitor = joined.visitor()
    token = visitor.token()
    joined.shell.ok("settings", "set", "local_sign_in", "no")
    page = visitor.get("/sign-in")
    assert 'type="password"' not in page
    assert "Single sign-on" in page
    form = {"csrf_token": token, "email": "admin@example.com", "password": PASSWORD}
    assert "switched off" in refusal(visitor.client.post("/admin/sign-in", data=form))
    assert come_back(visitor, oidc).status_code == 303
    joined.shell.ok("settings", "set", "local_sign_in", "yes")
    assert joined.visitor().sign_in("admin@example.com").status_code == 303


@pytest.mark.sqlite_only
def test_passwords_stay_where_nothing_else_signs_in(panel: Panel) -> None:
    with pytest.raises(OperatorError, match="nobody could sign in"):
        set_setting(panel.rt, "local_sign_in", "no", "test")
    assert panel.visitor().client.get("/admin/sign-in/sso").status_code == 404
    assert "Single sign-on" not in panel.visitor().get("/sign-in")


@pytest.mark.sqlite_only
def test_a_second_factor_is_asked_for_unless_the_provider_asked_for_several(
    joined: Panel, oidc: SayingProvider
) -> None:
    come_back(joined.visitor(), oidc)
    secret, _ = add_app(joined.rt, user_of(joined).id, utcnow() - 4 * STEP)
    visitor = joined.visitor()
    assert come_back(visitor, oidc).location.startswith("/admin/second-step")
    assert visitor.client.get("/admin/").location.startswith("/admin/sign-in")
    assert visitor.send("/second-step", code=code_at(secret, utcnow())).status_code == 303
    assert come_back(joined.visitor(), oidc, amr=["pwd", "mfa"]).location == "/admin/"


@pytest.mark.sqlite_only
def test_who_needs_a_factor_needs_it_after_single_sign_on_too(joined: Panel, oidc: SayingProvider) -> None:
    set_setting(joined.rt, "second_factor_roles", "manager", "test")
    visitor = joined.visitor()
    come_back(visitor, oidc)
    assert visitor.client.get("/admin/campaigns/").location == "/admin/second-factor/"
    visitor = joined.visitor()
    come_back(visitor, oidc, amr=["mfa"])
    assert visitor.client.get("/admin/campaigns/").status_code == 200


@pytest.mark.sqlite_only
def test_who_came_by_the_provider_confirms_there_and_not_by_a_password(joined: Panel, oidc: SayingProvider) -> None:
    visitor = joined.visitor()
    come_back(visitor, oidc, roles="admin")
    with joined.rt.database.write() as session:
        session.connection().exec_driver_sql("UPDATE browser_session SET confirmed_at = '2026-01-01 00:00:00.000000'")
    page = visitor.refused("/users/1/link-code", 401)
    assert "confirm_password" not in page
    assert "/admin/confirm/sso" in page
    assert visitor.send("/users/1/link-code", confirm_with="single_sign_on").status_code == 401
    assert visitor.send("/users/1/link-code", confirm_with="password", confirm_password=PASSWORD).status_code == 401
    start = "/confirm/sso?next=/admin/users/"
    asked = go(visitor, start)
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    now = int(utcnow().timestamp())
    for claims in ({"auth_time": now - 600}, {"auth_time": None}, {"auth_time": now, "sub": "u-2"}):
        assert come_back(visitor, oidc, start, **claims).location.startswith("/admin/confirm")
        assert visitor.send("/users/1/link-code").status_code == 401
    oidc.claims["sub"] = "u-1"
    assert come_back(visitor, oidc, start, auth_time=now).location == "/admin/users/"
    assert visitor.send("/users/1/link-code").status_code == 200


@pytest.mark.race
def test_two_first_sign_ins_of_one_person_make_one_user(joined: Panel) -> None:
    own = joined.rt.settings.oidc
    assert own is not None
    claims, begin, users = Claims(own.issuer, "u-1", ANA), threading.Barrier(3), []

    def come() -> None:
        begin.wait(30)
        users.append(sign_on(joined.rt, own, claims, utcnow()).id)

    threads = [threading.Thread(target=come) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(users), len(set(users))) == (3, 1)
    with joined.rt.database.read() as session:
        assert len(session.scalars(select(ExternalIdentity)).all()) == 1


@pytest.mark.sqlite_only
def test_without_a_role_claim_only_users_come_in_with_the_role_that_hark_gave(
    tmp_path: Path, sqlite_url: str, redis_url: str, oidc: SayingProvider
) -> None:
    settings = OidcSettings(oidc.address, "hark", None, None)
    with open_panel(tmp_path, sqlite_url, redis_url, oidc=settings) as opened:
        oidc.claims = dict(ANA)
        assert "no user of Hark" in refusal(come_back(opened.visitor(), oidc))
        assert come_back(opened.visitor(), oidc, email="viewer@example.com", roles="admin").status_code == 303
        assert user_of(opened, "viewer@example.com").role is Role.VIEWER
