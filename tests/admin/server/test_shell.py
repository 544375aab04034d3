"""The shell for developers has everything at hand, and a session that writes nothing by accident."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

CODE = """
from sqlalchemy import insert
print("tables:", Contact.__tablename__, Campaign.__tablename__, Recipient.__tablename__)
print("contacts:", session.scalar(select(func.count()).select_from(Contact)))
try:
    session.execute(insert(Tag).values(name="vip", description="", created_at=utcnow()))
except Exception as error:
    print("refused:", "readonly" in str(error) or "query_only" in str(error) or "attempt to write" in str(error))

with rt.database.write() as writer:
    writer.add(Tag(name="vip", description="", created_at=utcnow()))

session.rollback()
print("tags:", session.scalar(select(func.count()).select_from(Tag)))
"""


@pytest.mark.process
def test_flask_shell_has_the_runtime_a_session_that_reads_and_every_table(tmp_path: Path, sqlite_url: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HARK_VAR_DIR": str(tmp_path),
        "HARK_ENV_FILE": os.devnull,
        "DATABASE_URL": sqlite_url,
        "SECRET_KEY": "s" * 40,
        "ENCRYPTION_KEY": "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=",
    }
    shell = subprocess.run(
        [sys.executable, "-m", "flask", "shell"],
        cwd=ROOT,
        env=environment,
        input=CODE,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tables: contact campaign recipient" in shell.stdout
    assert "contacts: 0" in shell.stdout
    assert "refused: True" in shell.stdout
    assert "tags: 1" in shell.stdout
