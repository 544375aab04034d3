"""Every key of Redis and every file of a used installation has a line that says what happens to it; the page shows the lists."""

import re
from typing import Any

import pytest

from jobs.core.queues import CHORES, queue
from jobs.erasure.rewrite import rewrite_files
from jobs.imports.uploads import store_upload
from jobs.ingest.consumer import BEAT_KEY
from jobs.restore.epoch_copies import EpochCopies
from jobs.restore.marks import keep_marks
from jobs.restore.redaction_file import keep_redactions
from jobs.schedule import PERIODIC_JOBS, Schedule
from models.clock import utcnow
from models.privacy.places import FILES, REDIS, file_store, redis_store
from tests.support.cli_app import Shell
from tests.support.paths import ROOT
from tests.support.privacy_page import PAGE, with_lists

NAMES = re.compile(r"""["'](hark:[a-zA-Z0-9_:{}-]*)""")


def test_every_key_and_file_of_a_used_installation_has_a_line(shell: Shell, number_and_people_added: None) -> None:
    rt = shell.rt
    keep_redactions(rt)
    keep_marks(rt, utcnow())
    EpochCopies(rt).keep(1)
    store_upload(rt, "people.csv", b"phone\n+34600990001\n", "ann@example.com")
    rewrite_files(rt, utcnow())
    Schedule(rt, PERIODIC_JOBS).run_due(0.0)
    queue(rt.redis, CHORES).enqueue("jobs.maintenance.purge.purge")
    rt.redis.set(BEAT_KEY, "x")
    redis: Any = rt.redis
    keys = [key.decode() for key in redis.keys("*")]
    assert len(keys) > 5
    for key in keys:
        assert redis_store(key).about
    for path in rt.settings.var_dir.rglob("*"):
        name = path.relative_to(rt.settings.var_dir).as_posix()
        if path.is_file() and not name.startswith("redis/"):
            assert file_store(name).about, name


def test_every_key_that_the_code_names_has_a_line() -> None:
    sources = [path for floor in ("admin", "bot", "jobs") for path in (ROOT / floor).rglob("*.py")]
    named = {name for path in sources if "sandbox" not in path.parts for name in NAMES.findall(path.read_text())}
    assert len(named) > 10
    for name in named - {"hark:marks"}:  # what the names of three keys begin with
        assert redis_store(re.sub(r"\{.*?\}", "1", name)).about


def test_what_has_no_line_is_named_with_what_to_do() -> None:
    with pytest.raises(LookupError, match=r"places.py: FILES has no line for var/new/x.bin"):
        file_store("new/x.bin")
    with pytest.raises(LookupError, match=r"places.py: REDIS has no line for hark:new"):
        redis_store("hark:new")


def test_a_backup_takes_the_media_along_and_no_upload() -> None:
    assert [store.pattern for store in FILES if store.in_backup] == ["hark.db", "media/*"]
    assert len({store.pattern for store in FILES} | {store.pattern for store in REDIS}) == len(FILES) + len(REDIS)


def test_the_page_shows_the_lists_of_today() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == with_lists(written), "run: python -m tests.support.privacy_page"
