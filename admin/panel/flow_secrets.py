"""Shows which secrets bot flows can use, sets, replaces and removes them. No page ever holds a value."""

from flask import request
from flask.typing import ResponseReturnValue

from admin.operations.flow_secrets import list_secrets, remove_secret, set_secret
from admin.panel.base import PanelView, action, back, page
from models.tables.user import Role


class FlowSecretView(PanelView):
    """The page of the secrets of bot flows."""

    icon = "secret"
    needs = Role.MANAGER

    @page("/", Role.MANAGER)
    def index(self) -> ResponseReturnValue:
        """Every secret with the flows that use it, and the form that sets one."""
        return self.render("panel/flow_secrets.html", secrets=list_secrets(self.rt))

    @action("/set", Role.MANAGER)
    def store(self) -> ResponseReturnValue:
        """Store a secret or replace its value."""
        name, value = request.form.get("name", "").strip(), request.form.get("value", "").strip()
        self.attempt(
            f"{name} is kept. Its value is not shown again.", lambda: set_secret(self.rt, name, value, self.me.email)
        )
        return back(".index")

    @action("/remove", Role.MANAGER)
    def remove(self) -> ResponseReturnValue:
        """Remove a secret that no flow uses."""
        name = request.form.get("name", "")
        self.attempt(f"{name} is removed.", lambda: remove_secret(self.rt, name, self.me.email))
        return back(".index")
