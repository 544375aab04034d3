"""The migration after which a campaign keeps its type, and rules say `pressed`."""

import json
from typing import Any

from alembic import command
from sqlalchemy import Engine, create_engine, text

from models.db.migrate import alembic_config, upgrade_schema

NOW = "2026-03-21 10:00:00.000000+00:00"
ACCOUNT = (
    "INSERT INTO portfolio (id, meta_id) VALUES (1, 'p')",
    "INSERT INTO waba (id, portfolio_id, waba_id, name, state) VALUES (1, 1, 'w', '', 'ok')",
    """INSERT INTO number (id, waba_id, phone_number_id, name, access_token, status, quality, messages_per_second, created_at)
    VALUES (1, 1, '1', 'Shop', 't', 'CONNECTED', 'GREEN', 80, :now)""",
)
TEMPLATE = """INSERT INTO template (id, waba_id, name, language, category, status, quality, parameter_format, components,
created_at) VALUES (:id, 1, :name, 'en', :category, 'APPROVED', 'GREEN', 'POSITIONAL', :components, :now)"""
CAMPAIGN = """INSERT INTO campaign (id, name, kind, status, number_id, template_id, audience, variables, media, ends_after_seconds,
launch_cursor, created_by, created_at, updated_at, started_at)
VALUES (:id, '', 'real', :status, 1, :template, '{}', '{}', '{}', 60, 0, '', :now, :now, :started)"""
OLD_RULE = {
    "any": [
        {"all": [{"on": "campaign", "op": "clicked", "days": 9}, {"on": "tag", "name": "clicked", "op": "has"}]},
        {"all": [{"on": "campaign", "op": "not_clicked"}, {"on": "campaign", "op": "read"}]},
    ]
}
NEW_RULE = {
    "any": [
        {"all": [{"on": "campaign", "op": "pressed", "days": 9}, {"on": "tag", "name": "clicked", "op": "has"}]},
        {"all": [{"on": "campaign", "op": "not_pressed"}, {"on": "campaign", "op": "read"}]},
    ]
}


def _rule(engine: Engine) -> Any:
    with engine.connect() as connection:
        rule = connection.execute(text("SELECT rule FROM segment")).scalar_one()
    return json.loads(rule) if isinstance(rule, str) else rule


def test_started_campaigns_get_their_type_and_stored_rules_the_new_word(unmigrated_url: str) -> None:
    upgrade_schema(unmigrated_url, "0006")
    engine = create_engine(unmigrated_url)
    templates = [
        ("offer", "MARKETING", []),
        ("order", "UTILITY", []),
        ("shop", "MARKETING", [{"type": "BUTTONS", "buttons": [{"type": "CATALOG", "text": "View catalog"}]}]),
    ]
    with engine.begin() as connection:
        for statement in ACCOUNT:
            connection.execute(text(statement), {"now": NOW})
        for place, (name, category, components) in enumerate(templates, 1):
            given = {"id": place, "name": name, "category": category, "components": json.dumps(components), "now": NOW}
            connection.execute(text(TEMPLATE), given)
            started = {"id": place, "status": "ended", "template": place, "now": NOW, "started": NOW}
            connection.execute(text(CAMPAIGN), started)
        ready = {"id": 9, "status": "ready", "template": 1, "now": NOW, "started": None}
        connection.execute(text(CAMPAIGN), ready)
        segment = "INSERT INTO segment (name, rule, created_at, updated_at) VALUES ('readers', :rule, :now, :now)"
        connection.execute(text(segment), {"rule": json.dumps(OLD_RULE), "now": NOW})
    upgrade_schema(unmigrated_url)
    with engine.connect() as connection:
        types = connection.execute(text("SELECT type FROM campaign ORDER BY id")).scalars().all()
    assert (types, _rule(engine)) == (["promotional", "informational", "catalog", None], NEW_RULE)
    command.downgrade(alembic_config(unmigrated_url), "0006")
    assert _rule(engine) == OLD_RULE
    engine.dispose()
