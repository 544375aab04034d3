"""The demo as a person runs it: a process of its own, everything real but Meta, and every sum checked."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import phonenumbers
import pytest

from admin.demo.check import stats_identities
from admin.demo.people import MAX_PEOPLE, phones, write_people
from admin.demo.run import set_up, wipe
from models.errors import OperatorError
from tests.support.paths import ROOT
from tests.support.proof import dice, rounds

pytestmark = pytest.mark.process


@pytest.fixture
def demo_directory(directory: Path) -> Path:
    """Not there yet."""
    return directory / "demo"


def start_demo(directory: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "flask", "demo", "--exit", "--speed", "10", "--directory", str(directory), *arguments]
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1"} | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_demo_adds_up_and_listens_to_no_setting_of_anybody(demo_directory: Path) -> None:
    demo = start_demo(
        demo_directory,
        "--contacts",
        "60",
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing",
        REDIS_URL="redis://127.0.0.1:1",
        GRAPH_API_URL="https://graph.facebook.com",
        TIME_ZONE="Mars/Base",
        HARK_ENV_FILE="/nowhere",
    )
    out, err = demo.communicate(timeout=300)
    assert demo.returncode == 0, out + err
    assert "Every number adds up." in out
    assert "also sent: a carousel (Spring shoes) and products (Spring home)" in out
    signals = out.partition("signals of “Spring, once more”")[2]
    for sentence in (
        "Many numbers lack their calling code",
        "Many people in the audience never agreed",
        "Meta kept many",
    ):
        assert sentence in signals
    assert re.search(r"http://127\.0\.0\.1:\d+/admin/", out)
    for reason in ("excluded", "invalid_phone", "not_subscribed", "open_case", "missing_variable"):
        assert f"not sent: {reason}" in out
    assert err == ""
    log = (demo_directory / "demo.log").read_text()
    assert "Traceback" not in log
    assert not re.search(r"\+447700900\d{3}", log)


@pytest.mark.crash
@pytest.mark.proof
def test_a_demo_whose_processes_are_killed_adds_up_all_the_same(demo_directory: Path) -> None:
    demo = start_demo(demo_directory, "--contacts", str(rounds(150, 1500)))
    chance = dice(7)
    killed: list[str] = []
    until = float("inf")
    while demo.poll() is None and (time.monotonic() < until or len(killed) < rounds(5, 50)):
        time.sleep(chance.uniform(0.4, 1.2))
        try:
            pids = json.loads((demo_directory / "processes.json").read_text())
        except (OSError, ValueError):
            continue
        until = min(until, time.monotonic() + 14)
        victims = sorted(set(pids) - {"supervisor", "sandbox"})
        if victims:
            killed.append(chance.choice(victims))
            os.kill(pids[killed[-1]], signal.SIGKILL)
    out, err = demo.communicate(timeout=rounds(300, 900))
    assert demo.returncode == 0, f"killed {killed}\n{out}{err}{(demo_directory / 'demo.log').read_text()[-4000:]}"
    assert len(killed) >= rounds(5, 50)


def test_the_people_have_numbers_that_are_never_assigned() -> None:
    found = list(phones())
    assert len(found) == len(set(found)) == MAX_PEOPLE
    for phone in (found[0], found[999], found[1000], found[10_999], found[11_000], found[-1]):
        assert phonenumbers.is_possible_number(phonenumbers.parse(phone))
    assert {phone[:9] for phone in found[:1000]} == {"+44770090"}


def test_the_file_of_people_shows_every_reason(tmp_path: Path) -> None:
    people = write_people(tmp_path / "people.csv", 200)
    text = (tmp_path / "people.csv").read_text()
    assert len(text.splitlines()) == 201
    assert len(people.open_cases) == 2
    assert "unsubscribed" in text
    assert "not_subscribed" in text


def test_a_demo_wipes_a_directory_of_its_own_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "keep").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OperatorError, match="is a link"):
        wipe(tmp_path / "link")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "inner").symlink_to(tmp_path / "elsewhere")
    wipe(tmp_path / "demo")
    assert (tmp_path / "elsewhere" / "keep").exists()
    assert list((tmp_path / "demo").iterdir()) == []


def test_a_demo_has_settings_of_its_own_and_a_graph_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_API_URL", "https://graph.facebook.com")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    demo_services = set_up(tmp_path)
    assert demo_services.settings.graph_api_url.startswith("http://127.0.0.1:")
    assert demo_services.settings.database_url.endswith(f"{tmp_path}/hark.db")
    assert demo_services.settings.redis_url is None
    assert set(demo_services.env) & {"GRAPH_API_URL", "HTTPS_PROXY", "DATABASE_URL"} == set()
    assert (tmp_path / "hark.env").stat().st_mode & 0o077 == 0


def test_a_sum_that_is_wrong_is_noticed() -> None:
    stats = {
        "candidates": 10, "eligible": 8, "not_sent": {"not_subscribed": 1}, "queued": 0, "sending": 0, "unsure": 0, "held": 0,
        "refused": 0, "sent": 8, "delivered": 8, "read": 4, "failed": 0, "replied": 0, "received_pct": 100.0, "read_pct": 50.0,
        "replied_pct": 0.0, "clicked": 0, "clicked_pct": 0.0,
    }  # fmt: skip
    wrong = [item.text for item in stats_identities(stats, 0) if not item.holds]
    assert wrong == ["candidates = eligible + everyone not sent"]


def test_too_few_or_too_many_people_are_refused(demo_directory: Path) -> None:
    for contacts in ("0", "1000000"):
        demo = start_demo(demo_directory, "--contacts", contacts)
        _, err = demo.communicate(timeout=120)
        assert (demo.returncode, len(err.splitlines())) == (1, 1)
        assert "20 to" in err
