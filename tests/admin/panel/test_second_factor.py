"""Second factors at the panel: setting them up, the second step, who must, who resets."""

import re
import time

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import select

from admin.auth.attempts import FACTOR
from admin.auth.factors.policy import load_factors
from admin.auth.factors.second_step import WRONG
from admin.auth.users import find_user
from admin.operations.settings import set_setting
from models.clock import utcnow
from models.tables.audit import Audit
from models.tables.user import Role
from tests.support.panel_app import PASSWORD, Panel, Visitor, said
from tests.support.second_factors import STEP, add_app, code_at

pytestmark = pytest.mark.sqlite_only
STEP_PAGE = "/second-step"


def id_of(panel: Panel, role: Role = Role.MANAGER) -> int:
    return find_user(panel.rt, f"{role.value}@example.com").id


def enrolled(panel: Panel, role: Role = Role.MANAGER) -> tuple[str, tuple[str, ...]]:
    """A user's app, whose codes until now are used; the secret and the recovery codes."""
    return add_app(panel.rt, id_of(panel, role), utcnow() - 4 * STEP)


def at_second_step(panel: Panel, role: Role = Role.MANAGER) -> Visitor:
    visitor = panel.visitor()
    answer = visitor.sign_in(f"{role.value}@example.com")
    assert (answer.status_code, answer.location) == (303, f"/admin{STEP_PAGE}?next=/admin/")
    return visitor


def test_an_app_is_set_up_with_a_picture_and_a_code(panel: Panel) -> None:
    manager = panel.of(Role.MANAGER)
    page = manager.post("/second-factor/app/begin")
    assert "<svg" in page
    secret = re.findall(r'<code class="secret">([A-Z2-7 ]+)</code>', page)[0].replace(" ", "")
    assert "This code is not right" in manager.refused("/second-factor/app", code="12345")
    answer = manager.send("/second-factor/app", code=code_at(secret, utcnow()))
    codes = re.findall(r"<code>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</code>", answer.text)
    assert (answer.status_code, len(set(codes))) == (200, 10)
    assert codes[0] not in manager.get("/second-factor/")
    assert ("manager@example.com", "enroll_factor") in panel.audited()


def test_the_password_alone_opens_nothing_where_there_is_a_factor(panel: Panel) -> None:
    secret, _ = enrolled(panel)
    visitor = at_second_step(panel)
    for path in ("/", "/campaigns/", "/account/", "/second-factor/", "/password"):
        assert visitor.client.get(f"/admin{path}").location.startswith("/admin/sign-in")
    assert visitor.send("/second-factor/codes").location.startswith("/admin/sign-in")
    assert WRONG in visitor.refused(STEP_PAGE, 401, code="nothing of ours")
    done = visitor.send(STEP_PAGE, code=code_at(secret, utcnow()), next="/admin/campaigns/")
    assert (done.status_code, done.location) == (303, "/admin/campaigns/")
    assert "Campaigns" in visitor.get("/campaigns/")


def test_a_code_that_signed_somebody_in_signs_nobody_else_in(panel: Panel) -> None:
    secret, _ = enrolled(panel)
    code = code_at(secret, utcnow())
    assert at_second_step(panel).send(STEP_PAGE, code=code).status_code == 303
    assert WRONG in at_second_step(panel).refused(STEP_PAGE, 401, code=code)
    assert ("somebody", "factor_failed") in panel.audited()


def test_a_recovery_code_signs_in_once_and_few_that_are_left_are_said_so(panel: Panel) -> None:
    _, codes = enrolled(panel)
    for code in codes[:6]:
        assert "Recovery codes left" not in said(at_second_step(panel).post(STEP_PAGE, code=code))
    assert "Recovery codes left: 3" in said(at_second_step(panel).post(STEP_PAGE, code=codes[6].upper()))
    assert WRONG in at_second_step(panel).refused(STEP_PAGE, 401, code=codes[0])
    assert ("manager@example.com", "recovery_code_used") in panel.audited()


def test_wrong_codes_slow_down_and_close_nothing(panel: Panel, redis: Redis) -> None:
    secret, _ = enrolled(panel)
    visitor = at_second_step(panel)
    for _ in range(FACTOR.free):
        visitor.refused(STEP_PAGE, 401, code="000000")
    slowed = visitor.send(STEP_PAGE, code=code_at(secret, utcnow()))
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "1")
    time.sleep(1.05)
    assert visitor.send(STEP_PAGE, code=code_at(secret, utcnow())).status_code == 303
    assert redis.keys("hark:sign_in:factor:*") == []


def test_the_right_password_does_not_forget_wrong_codes(panel: Panel) -> None:
    enrolled(panel)
    for _ in range(FACTOR.free):
        at_second_step(panel).refused(STEP_PAGE, 401, code="000000")
    assert at_second_step(panel).send(STEP_PAGE, code="000000").status_code == 429


def test_a_browser_that_signed_in_before_is_not_slowed_by_codes_of_others(panel: Panel) -> None:
    own = panel.of(Role.MANAGER)
    secret, _ = enrolled(panel)
    stranger = at_second_step(panel)
    for _ in range(FACTOR.free):
        stranger.refused(STEP_PAGE, 401, code="000000")
    own.sign_in("manager@example.com")
    assert own.send(STEP_PAGE, code=code_at(secret, utcnow())).status_code == 303


def test_codes_are_not_checked_while_nothing_counts_them_but_recovery_codes_are(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, codes = enrolled(panel)
    visitor = at_second_step(panel)
    with monkeypatch.context() as patch:
        patch.setattr(panel.rt, "redis", Redis(port=9, retry=Retry(NoBackoff(), 0)))
        assert "Redis does not answer" in visitor.refused(STEP_PAGE, 401, code=code_at(secret, utcnow()))
        assert visitor.send(STEP_PAGE, code=codes[0]).status_code == 303


def test_who_must_have_a_factor_reaches_nothing_else_before(panel: Panel) -> None:
    manager = panel.of(Role.MANAGER)
    set_setting(panel.rt, "second_factor_roles", "manager", "test")
    for path in ("/", "/campaigns/", "/account/", "/contacts/", "/password", "/campaigns/1/"):
        assert manager.client.get(f"/admin{path}").location == "/admin/second-factor/", path
    assert manager.send("/tags/add", name="vip").location == "/admin/second-factor/"
    page = manager.get("/second-factor/")
    assert "Your role needs a second factor" in said(page)
    assert "/admin/campaigns/" not in page
    begun = manager.post("/second-factor/app/begin")
    secret = re.findall(r'<code class="secret">([A-Z2-7 ]+)</code>', begun)[0].replace(" ", "")
    manager.send("/second-factor/app", code=code_at(secret, utcnow()))
    assert "Campaigns" in manager.get("/campaigns/")
    assert "Home" in panel.of(Role.AGENT).get("/")
    assert "Your role needs a second factor" in said(manager.post("/second-factor/app/remove"))
    assert load_factors(panel.rt, id_of(panel)).count == 1


def test_the_first_factor_ends_sessions_that_began_without_one(panel: Panel) -> None:
    here, there = panel.of(Role.MANAGER), panel.of(Role.MANAGER)
    begun = here.post("/second-factor/app/begin")
    secret = re.findall(r'<code class="secret">([A-Z2-7 ]+)</code>', begun)[0].replace(" ", "")
    here.send("/second-factor/app", code=code_at(secret, utcnow()))
    assert "Second factor" in here.get("/second-factor/")
    assert there.client.get("/admin/").location.startswith("/admin/sign-in")


def test_an_administrator_resets_a_factor_and_their_sessions_end(panel: Panel) -> None:
    secret, _ = enrolled(panel)
    manager = at_second_step(panel)
    manager.send(STEP_PAGE, code=code_at(secret, utcnow()))
    admin = panel.of(Role.ADMIN)
    assert "second factor set up" in admin.get("/users/")
    assert "is removed" in said(admin.post(f"/users/{id_of(panel)}/reset-factors"))
    assert manager.client.get("/admin/").location.startswith("/admin/sign-in")
    assert panel.visitor().sign_in("manager@example.com").location == "/admin/"
    with panel.rt.database.read() as session:
        row = session.scalars(select(Audit).where(Audit.action == "reset_factors")).one()
    assert (row.actor, row.object_id, row.detail["factors"]) == ("admin@example.com", str(id_of(panel)), 1)


def test_the_server_resets_a_factor(panel: Panel) -> None:
    enrolled(panel)
    shell = panel.shell
    assert shell.data("users", "list", "--json")[2]["second_factors"] == 1
    assert (
        shell.ok("users", "totp-reset", "Manager@example.com")
        == "manager@example.com has no second factor; removed: 1\n"
    )
    assert shell.data("users", "totp-reset", "manager@example.com", "--json")["removed"] == 0
    assert "no such user" in shell.refused("users", "totp-reset", "nobody@example.com")
    assert panel.visitor().sign_in("manager@example.com").location == "/admin/"


def test_a_code_confirms_who_one_is_in_place_of_the_password(panel: Panel) -> None:
    secret, _ = enrolled(panel, Role.ADMIN)
    admin = at_second_step(panel, Role.ADMIN)
    admin.send(STEP_PAGE, code=code_at(secret, utcnow() - STEP))
    set_setting(panel.rt, "confirm_minutes", "1", "test")
    with panel.rt.database.write() as session:
        session.connection().exec_driver_sql("UPDATE browser_session SET confirmed_at = '2026-01-01 00:00:00.000000'")
    wrong = admin.refused("/users/1/link-code", 401, confirm_with="totp", confirm_code="000000")
    assert WRONG in wrong
    done = admin.send("/users/1/link-code", confirm_with="totp", confirm_code=code_at(secret, utcnow() + STEP))
    assert done.status_code == 200
    assert ("admin@example.com", "confirm") in panel.audited()


def test_passkeys_are_not_offered_where_the_host_is_an_address(panel: Panel) -> None:
    manager = panel.of(Role.MANAGER)
    assert "Add a passkey" not in manager.get("/second-factor/")
    assert "Use a passkey" not in panel.visitor().get("/sign-in")
    for purpose in ("enroll", "confirm", "second_step", "sign_in", "x"):
        answer = manager.send("/passkeys/options", purpose=purpose)
        assert (answer.status_code, set(answer.get_json())) == (409, {"problem"})
    assert panel.visitor().refused("/sign-in/passkey", 401, passkey="{}")


def test_the_password_form_still_asks_whoever_has_no_factor(panel: Panel) -> None:
    enrolled(panel)
    assert panel.visitor().sign_in("viewer@example.com", PASSWORD).location == "/admin/"
