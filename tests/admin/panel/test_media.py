"""The pages of the media library."""

import io
from typing import Any

import pytest
from sqlalchemy import select

from jobs.media.cleanup import KEEP, delete_contents
from jobs.media.library import add_media
from models.clock import utcnow
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.media import MediaFile
from models.tables.user import Role
from tests.support.media import JPEG, MP4, PDF, PNG, picture
from tests.support.panel_app import Panel, Visitor


def upload(*files: tuple[str, bytes]) -> list[Any]:
    return [(io.BytesIO(content), name) for name, content in files]


def names(panel: Panel) -> list[str]:
    with panel.rt.database.read() as session:
        return list(
            session.scalars(select(MediaFile.name).where(MediaFile.deleted_at.is_(None)).order_by(MediaFile.id))
        )


def added(panel: Panel, name: str, content: bytes) -> MediaFile:
    return add_media(panel.rt, name, [content], "manager@example.com", utcnow())


def test_several_files_are_added_and_each_refusal_is_said(panel: Panel, manager: Visitor) -> None:
    page = manager.post(
        "/media/upload", files=upload(("a.png", PNG), ("photo.jpg", PDF), ("film.mp4", MP4), ("..\\..\\é.pdf", PDF))
    )
    assert names(panel) == ["a.png", "film.mp4", "é.pdf"]
    assert "Photo.jpg is a PDF, not a picture: allowed are JPEG and PNG" in page
    assert "PNG picture · 4 × 3" in page
    assert "MP4 video · 640 × 360 · 0:02" in page
    assert "Choose a file first" in manager.post("/media/upload")
    assert list((panel.rt.settings.var_dir / "incoming").iterdir()) == []


def test_a_script_that_shows_the_progress_is_told_where_to_go_on(panel: Panel, manager: Visitor) -> None:
    answer = manager.client.post(
        "/admin/media/upload",
        data={"csrf_token": manager.token(), "files": upload(("a.png", PNG))},
        headers={"X-Upload": "1"},
    )
    assert answer.json == {"next": "/admin/media/"}
    assert "a.png is in the library" in manager.get("/media/").replace("A.png", "a.png")


def test_an_address_of_this_machine_is_not_asked(panel: Panel, manager: Visitor) -> None:
    for url in ("https://127.0.0.1/a.png", "https://169.254.169.254/latest/meta-data", "http://shop.example.com/a.png"):
        assert "allowed" in manager.post("/media/add-url", url=url)
    assert names(panel) == []


def test_the_library_is_searched_by_name_and_kind(panel: Panel, manager: Visitor) -> None:
    for name, content in (("Spring.png", PNG), ("autumn.jpg", JPEG), ("spring film.mp4", MP4)):
        added(panel, name, content)
    page = manager.get("/media/?q=SPRING")
    assert ("Spring.png" in page, "autumn.jpg" in page, "spring film.mp4" in page) == (True, False, True)
    assert "autumn.jpg" not in manager.get("/media/?q=spring&kind=image")
    assert "No file has this" in manager.get("/media/?q=100%25")
    for place in range(30):
        added(panel, f"small {place}.png", picture(size=(2, 2 + place)))
    first = manager.get("/media/")
    assert first.count('class="media-tile"') == 24
    assert "small 5.png" not in first
    assert "small 5.png" in manager.get(f"/media/?before={3 + 7}")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("name", "content", "mime_type", "is_download"),
    [
        ("a.png", PNG, "image/png", False),
        ("film.mp4", MP4, "video/mp4", False),
        ("notes.txt", b"<b>no markup", "text/plain", True),
        ('pri"ces\r\nX: y.pdf', PDF, "application/pdf", True),
    ],
)
def test_a_content_is_served_so_that_it_can_do_nothing(
    panel: Panel, manager: Visitor, name: str, content: bytes, mime_type: str, *, is_download: bool
) -> None:
    row = added(panel, name, content)
    answer = manager.client.get(f"/admin/media/{row.id}/file")
    assert (answer.status_code, answer.mimetype, answer.data) == (200, mime_type, content)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("attachment" if is_download else "inline")
    assert "X" not in answer.headers
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = {"If-None-Match": answer.headers["ETag"]}
    assert manager.client.get(f"/admin/media/{row.id}/file", headers=again).status_code == 304
    part = manager.client.get(f"/admin/media/{row.id}/file", headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.data) == (206, content[1:4])


@pytest.mark.sqlite_only
def test_contents_are_for_people_who_are_signed_in(panel: Panel) -> None:
    row = added(panel, "a.png", PNG)
    nobody = panel.visitor()
    for path in ("", "/file", "/thumbnail"):
        answer = nobody.client.get(f"/admin/media/{row.id}{path}")
        assert answer.location.startswith("/admin/sign-in")
        assert PNG not in answer.data
    viewer = panel.of(Role.VIEWER)
    assert viewer.client.get(f"/admin/media/{row.id}/file").data == PNG
    assert viewer.send("/media/upload", files=upload(("b.png", JPEG))).status_code == 403
    for path in ("/media/../../hark.db/file", "/media/1%2F..%2Fx/file", "/media/999/file", "/media/999/thumbnail"):
        assert viewer.client.get(f"/admin{path}").status_code == 404


def test_a_picture_has_a_thumbnail_and_nothing_else_has(panel: Panel, manager: Visitor) -> None:
    large = added(panel, "large.png", picture(mode="RGBA", size=(1200, 628)))
    answer = manager.client.get(f"/admin/media/{large.id}/thumbnail")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert answer.data.startswith(b"\xff\xd8\xff")
    assert manager.client.get(f"/admin/media/{added(panel, 'a.mp4', MP4).id}/thumbnail").status_code == 404
    (panel.rt.settings.var_dir / "media" / large.storage_key).write_bytes(b"damaged")
    for path in (panel.rt.settings.var_dir / "thumbnails").iterdir():
        path.unlink()
    assert manager.client.get(f"/admin/media/{large.id}/thumbnail").status_code == 404


@pytest.mark.usefixtures("furnished")
def test_a_file_that_something_needs_is_not_removed_and_the_places_are_named(panel: Panel, manager: Visitor) -> None:
    row = added(panel, "used.jpg", JPEG)
    with panel.rt.database.write() as session:
        campaign = session.get_one(Campaign, 3)
        campaign.media = {"header": {"sha256": row.sha256, "file": row.name}}
    page = manager.post(f"/media/{row.id}/remove")
    assert "used.jpg is used by campaign 3 (Loyal); it can be removed once nothing uses it" in page
    assert 'href="/admin/campaigns/3/' in page
    with panel.rt.database.write() as session:
        session.get_one(Campaign, 3).status = CampaignStatus.ENDED
    assert "is removed" in manager.post(f"/media/{row.id}/remove")
    assert "used.jpg" not in names(panel)
    assert delete_contents(panel.rt, utcnow() + KEEP) == 1
    assert not (panel.rt.settings.var_dir / "media" / row.storage_key).exists()


@pytest.mark.sqlite_only
def test_a_content_that_is_lost_is_said_on_the_page(panel: Panel, manager: Visitor) -> None:
    row = added(panel, "a.png", PNG)
    (panel.rt.settings.var_dir / "media" / row.storage_key).unlink()
    page = manager.client.get(f"/admin/media/{row.id}/file", follow_redirects=True)
    assert page.status_code == 200
    assert "several machines need one MEDIA_STORE" in page.text
