"""The simulated Meta as a program: where it listens and who may ask."""

import socket
import subprocess
import sys

import httpx
import pytest

from bot.sandbox.config import Config, ConfigError
from bot.sandbox.seed import PHONE_NUMBER_ID
from tests.support.sandbox_client import TOKEN, Caller


def test_the_sandbox_goes_nowhere_but_loopback() -> None:
    for url in (
        "https://example.com/hook",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "ftp://127.0.0.1/",
        "nonsense",
    ):
        with pytest.raises(ConfigError, match="loopback"):
            Config(webhook_url=url)


def test_another_host_name_or_another_pages_script_is_turned_away(meta: Caller) -> None:
    assert httpx.get(meta.handle.url + "/_sandbox/stats", headers={"Host": "evil.example"}).status_code == 403
    answer = httpx.post(meta.handle.url + "/_sandbox/reset", headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


@pytest.mark.process
def test_the_program_prints_where_it_listens_and_stops_on_a_signal() -> None:
    command = [sys.executable, "-m", "bot.sandbox", "--port", "0", "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        url = line.removeprefix("sandbox listening on ")
        assert httpx.get(f"{url}/{PHONE_NUMBER_ID}", headers=TOKEN).status_code == 200
        assert httpx.get(f"{url}/_sandbox/config").json()["seed"] == 7
        process.terminate()
        assert process.wait(timeout=60) == 0


@pytest.mark.process
def test_a_wrong_option_or_a_taken_port_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments in (["--webhook-url", "https://example.com"], ["--read-share", "2"], ["--port", port]):
            ended = subprocess.run(
                [sys.executable, "-m", "bot.sandbox", *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert ended.returncode == 1
            assert ended.stderr.count("\n") == 1
            assert ended.stderr.startswith("sandbox: ")
