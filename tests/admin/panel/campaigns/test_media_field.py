"""The medium of the header in the campaign form: from the library, a new file, a link."""

import io
import re

import pytest
from sqlalchemy import func, select

from jobs.media.library import add_media
from models.clock import utcnow
from models.tables.media import MediaFile
from tests.support.campaign_form import FORM, campaign
from tests.support.media import JPEG, MP4, PDF, PNG, picture
from tests.support.panel_app import Panel, Visitor

IMAGE = {key: value for key, value in FORM.items() if not key.startswith("slot-")} | {
    "template": "new_collection|en",
    "slot-body-1-source": "name",
}


@pytest.fixture
def composing(panel: Panel) -> Panel:
    """A panel with a number, people and a library."""
    panel.shell.add_number()
    panel.shell.add_people()
    for name, content in (("spring.png", PNG), ("film.mp4", MP4), ("prices.pdf", PDF)):
        add_media(panel.rt, name, [content], "ana@example.com", utcnow())
    return panel


def sha256(panel: Panel, name: str) -> str:
    with panel.rt.database.read() as session:
        return session.scalars(select(MediaFile.sha256).where(MediaFile.name == name)).one()


def offered(page: str) -> list[str]:
    return re.findall(r'class="media-choice">.*?<span>([^<]+)</span></label>', page, re.DOTALL)


def test_the_form_offers_what_the_header_takes_the_newest_first(composing: Panel, manager: Visitor) -> None:
    for place in range(14):
        add_media(composing.rt, f"new {place}.png", [picture(size=(2, 2 + place))], "ana@example.com", utcnow())
    page = manager.send("/campaigns/new", **IMAGE, refresh="1").text
    assert offered(page) == [f"new {place}.png" for place in range(13, 1, -1)]
    assert offered(manager.send("/campaigns/new", **IMAGE, refresh="1", media_search="SPRING").text) == ["spring.png"]
    chosen = manager.send("/campaigns/new", **IMAGE, refresh="1", media_sha256=sha256(composing, "spring.png")).text
    assert offered(chosen)[0] == "spring.png"
    assert f'value="{sha256(composing, "spring.png")}" checked' in chosen


def test_a_file_of_the_library_is_chosen_kept_and_taken_out_again(composing: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **IMAGE, media_sha256=sha256(composing, "spring.png"))
    stored = {"header": {"sha256": sha256(composing, "spring.png"), "file": "spring.png"}}
    assert campaign(composing).media == stored
    assert f'value="{stored["header"]["sha256"]}" checked' in manager.get("/campaigns/1/edit")
    assert "Still missing" in manager.post("/campaigns/1/edit", **IMAGE, media_sha256="")
    assert campaign(composing).media == {}


def test_a_file_that_does_not_fit_another_template_is_left_out(composing: Panel, manager: Visitor) -> None:
    for reference in (sha256(composing, "film.mp4"), "0" * 64, "nonsense"):
        manager.post("/campaigns/new", **IMAGE, media_sha256=reference)
    assert [campaign(composing, number).media for number in (1, 2, 3)] == [{}, {}, {}]


def test_a_new_file_goes_into_the_library_and_into_the_campaign(composing: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **IMAGE, media_file=(io.BytesIO(JPEG), "new.jpg"))
    assert campaign(composing).media == {"header": {"sha256": sha256(composing, "new.jpg"), "file": "new.jpg"}}
    page = manager.refused("/campaigns/new", **IMAGE, media_file=(io.BytesIO(PDF), "photo.jpg"))
    assert "Photo.jpg is a PDF, not a picture: allowed are JPEG and PNG" in page.replace("photo.jpg", "Photo.jpg")
    plain = FORM | {"media_file": (io.BytesIO(JPEG), "other.jpg")}
    assert "takes a file first" in manager.refused("/campaigns/new", **plain)


def test_a_link_is_sent_as_it_is_or_copied_into_the_library_if_it_may_be_asked(
    composing: Panel, manager: Visitor
) -> None:
    link = "https://shop.example.com/spring.jpg"
    manager.post("/campaigns/new", **IMAGE, media_link=link)
    assert campaign(composing).media == {"header": {"link": link}}
    page = manager.refused("/campaigns/new", **IMAGE, media_link="https://10.0.0.1/a.png", media_copy="1")
    assert "10.0.0.1 may not be called" in page
    with composing.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(MediaFile)) == 3


def test_the_preview_shows_the_picture_itself(composing: Panel, manager: Visitor) -> None:
    chosen = IMAGE | {"media_sha256": sha256(composing, "spring.png")}
    page = manager.send("/campaigns/new", **chosen, refresh="1").text
    preview = page[page.index('data-part="preview"') :]
    assert 'src="/admin/media/1/thumbnail"' in preview
    manager.post("/campaigns/new", **chosen)
    assert 'src="/admin/media/1/thumbnail"' in manager.get("/campaigns/1/")
