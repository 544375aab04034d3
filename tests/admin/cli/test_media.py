"""flask media."""

import json

import pytest

from tests.support.cli_app import CAMPAIGN, Shell
from tests.support.media import JPEG, MP4, PDF, PNG

pytestmark = pytest.mark.sqlite_unless_proved


def write(shell: Shell, name: str, content: bytes) -> str:
    path = shell.directory / name
    path.write_bytes(content)
    return str(path)


def test_files_are_added_listed_and_removed(shell: Shell) -> None:
    assert shell.ok("media", "add", write(shell, "spring.png", PNG)).startswith("media 1: spring.png, image/png, ")
    film = shell.data("media", "add", write(shell, "film.mp4", MP4), "--name", "Spring film.mp4", "--json")
    assert (film["name"], film["kind"], film["width"], film["duration_seconds"], film["created_by"]) == (
        "Spring film.mp4", "video", 640, 2.5, "cli",
    )  # fmt: skip
    assert [row["id"] for row in shell.data("media", "list", "--json")] == [2, 1]
    assert [row["id"] for row in shell.data("media", "list", "--kind", "image", "--search", "SPRING", "--json")] == [1]
    assert "spring.png" in shell.ok("media", "list")
    assert shell.ok("media", "remove", "1") == "media 1: spring.png is removed; its content is deleted in a day\n"
    assert [row["id"] for row in shell.data("media", "list", "--json")] == [2]
    assert "there is no such file in the library" in shell.refused("media", "remove", "1")
    assert shell.data("media", "remove", film["sha256"], "--json")["id"] == 2


def test_a_file_of_another_kind_is_refused_in_one_line(shell: Shell) -> None:
    line = shell.refused("media", "add", write(shell, "photo.jpg", PDF))
    assert line == "photo.jpg is a PDF, not a picture: allowed are JPEG and PNG"
    assert "No such file" in shell.refused("media", "add", str(shell.directory / "nothing.png"))
    for url in (
        "http://shop.example.com/a.png",
        "file:///etc/passwd",
        "https://127.0.0.1/a.png",
        "https://[::1]/a.png",
    ):
        assert "allowed" in shell.refused("media", "add", url)
    assert shell.data("media", "list", "--json") == []


@pytest.mark.usefixtures("number_and_people_added")
def test_a_file_that_a_campaign_needs_stays(shell: Shell) -> None:
    picture = shell.data("media", "add", write(shell, "spring.jpg", JPEG), "--json")
    campaign_id = shell.add_campaign(
        template={"name": "new_collection", "language": "en"},
        variables={"body": {"1": {"source": "name"}}},
        media={"header": {"media": picture["id"]}},
    )
    line = shell.refused("media", "remove", str(picture["id"]))
    assert f"spring.jpg is used by campaign {campaign_id} ({CAMPAIGN['name']})" in line
    (listed,) = shell.data("media", "list", "--json")
    assert listed["used_by"] == [{"what": "campaign", "id": campaign_id, "name": "Spring", "is_over": False}]
    shell.ok("campaigns", "start", str(campaign_id))
    shell.ok("campaigns", "end", str(campaign_id))
    assert json.loads(shell.ok("media", "list", "--json"))[0]["used_by"][0]["is_over"] is True
    shell.ok("media", "remove", str(picture["id"]))


def test_nothing_is_copied_where_no_bucket_is_named(shell: Shell) -> None:
    assert "MEDIA_STORE names no bucket" in shell.refused("media", "copy-to-store")
