"""The addresses of the panel."""

import re

from werkzeug.routing import Rule

from tests.support.panel_app import Panel
from tests.support.panel_seed import KEPT


def rules(panel: Panel, method: str) -> list[Rule]:
    return [
        rule
        for rule in panel.shell.app.url_map.iter_rules()
        if rule.rule.startswith("/admin")
        and method in (rule.methods or set())
        and not rule.endpoint.endswith(".static")
    ]


def path(rule: Rule) -> str:
    found = re.sub(r"<int:\w+>", "1", rule.rule).replace("<key>", "allow_untagged").replace("<token>", KEPT)
    return found.removeprefix("/admin")
