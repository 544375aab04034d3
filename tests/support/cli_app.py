"""The command line in one process, on real services: a migrated database, a Redis and a simulated Meta in a thread."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import Result
from flask import Flask

from bot.sandbox.config import Config
from bot.sandbox.seed import PHONE_NUMBER_ID, WABA_ID
from bot.sandbox.server import Handle, start_in_thread
from jobs.core.runtime import Runtime, use_runtime
from models.config import Settings
from models.crypto import new_encryption_key
from tests.support.compiled_templates import COMPILED
from wsgi import create_app

TOKEN = "sandbox-access-token"
ANA = "ana@example.com"
PEOPLE = """phone,name,language,consent,consent_source,tags
+447700900001,Ana Abel,en,subscribed,web,vip;city=Madrid
+447700900002,Ben Brandt,en,unsubscribed,web,vip
+447700900003,Chloé Costa,en,subscribed,web,vip
"""
CAMPAIGN: dict[str, Any] = {
    "name": "Spring",
    "number": PHONE_NUMBER_ID,
    "template": {"name": "spring_sale", "language": "en"},
    "audience": {"include": [{"tag": "vip"}]},
    "variables": {"body": {"1": {"source": "name"}, "2": {"source": "text", "text": "20%"}}},
    "pace": {"per_second": 20},
}


@dataclass
class Shell:
    """`flask …`, as a person at a terminal has it."""

    app: Flask
    rt: Runtime
    meta: Handle
    directory: Path

    def run(self, *arguments: str, stdin: str = "") -> Result:
        """The command's result; `output` is both streams, `stdout` and `stderr` each."""
        return self.app.test_cli_runner().invoke(args=list(arguments), input=stdin)

    def ok(self, *arguments: str, stdin: str = "") -> str:
        """Standard output of a command that must succeed."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    def data(self, *arguments: str, stdin: str = "") -> Any:
        """The JSON that a command that must succeed prints."""
        return json.loads(self.ok(*arguments, stdin=stdin))

    def refused(self, *arguments: str, stdin: str = "", code: int = 1) -> str:
        """The one line of a command that must fail."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == code, result.output
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert "Traceback" not in result.output
        return lines[0]

    def file(self, name: str, content: Any) -> str:
        """A file of the test's own; what is no text is written as JSON."""
        path = self.directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    def add_number(self) -> None:
        """A number of the simulated Meta, with its templates."""
        self.ok(
            "numbers", "add", "--name", "Shop", "--phone-number-id", PHONE_NUMBER_ID, "--waba-id", WABA_ID, "--token-stdin",
            stdin=TOKEN,
        )  # fmt: skip
        self.ok("templates", "sync")

    def add_people(self) -> None:
        """One in Madrid, one who opted out, one plain."""
        self.ok("contacts", "import", self.file("people.csv", PEOPLE))

    def add_campaign(self, **changes: Any) -> int:
        """A campaign to those who have the tag vip."""
        created = self.data("campaigns", "create", self.file("campaign.json", CAMPAIGN | changes))
        return int(created["id"])


@contextmanager
def open_shell(directory: Path, database_url: str, redis_url: str, **settings: Any) -> Iterator[Shell]:
    """A shell on services of its own."""
    meta = start_in_thread(Config(review_seconds=0.1, app_secret="app-secret"))
    given = {
        "graph_api_url": meta.url,
        "meta_app_secrets": ("app-secret",),
        "meta_verify_token": "verify-token",
        "secret_key": "secret",
        "encryption_keys": (new_encryption_key(),),
    }
    rt_settings = Settings(
        database_url=database_url, redis_url=redis_url, var_dir=directory / "var", **(given | settings)
    )
    app = create_app(rt_settings)
    app.jinja_env.bytecode_cache = COMPILED
    rt: Runtime = app.extensions["hark"]
    try:
        with use_runtime(rt):
            yield Shell(app, rt, meta, directory)
    finally:
        rt.close()
        meta.stop()
