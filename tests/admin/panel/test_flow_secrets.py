"""The page of the secrets of bot flows."""

import pytest

from models.tables.user import Role
from tests.support.panel_app import Panel, Visitor

VALUE = "sk-live-123456"
FLOW = (
    'name: booking\nstart: a\nnodes:\n  a: {type: http, url: "https://api.acme.com/a", body: {k: "{secret.api_key}"}}\n'
)

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_a_secret_is_set_replaced_and_removed_and_no_page_holds_its_value(panel: Panel, manager: Visitor) -> None:
    page = manager.post("/flow-secrets/set", name="api_key", value=VALUE)
    assert "api_key is kept" in page
    assert VALUE not in page
    manager.post("/flows/load", text=FLOW)
    assert "booking" in manager.get("/flow-secrets/")
    assert "used by the bot flows booking" in manager.post("/flow-secrets/remove", name="api_key")
    manager.post("/flow-secrets/set", name="other", value=VALUE)
    assert "other is removed" in manager.post("/flow-secrets/remove", name="other")
    assert "is no name of a secret" in manager.post("/flow-secrets/set", name="a b", value=VALUE)
    shown = manager.get("/flow-secrets/") + manager.get("/flows/2/") + panel.of(Role.ADMIN).get("/audit/")
    assert "api_key" in shown
    assert VALUE not in shown


def test_a_flow_with_an_unknown_secret_or_a_private_address_is_refused_in_the_panel(manager: Visitor) -> None:
    assert "there is no secret api_key" in manager.refused("/flows/load", text=FLOW)
    assert "10.0.0.1 may not be called" in manager.refused("/flows/load", text=FLOW.replace("api.acme.com", "10.0.0.1"))


def test_whoever_may_not_change_flows_sees_no_secret(panel: Panel) -> None:
    panel.of(Role.AGENT).get("/flow-secrets/", 403)
    assert "Flow secrets" not in panel.of(Role.VIEWER).get("/")
