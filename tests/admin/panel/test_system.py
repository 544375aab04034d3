"""Users, settings and the audit in the panel."""

import re

import pytest
from sqlalchemy import select

from models.tables.setting import read_setting
from models.tables.user import Role, User
from tests.support.panel_app import Panel, Visitor, said

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


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
