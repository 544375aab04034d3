"""Media and samples."""

import httpx

from bot.sandbox.seed import APP_ID, PHONE_NUMBER_ID
from tests.support.media import PNG
from tests.support.sandbox_client import TOKEN, Caller, body
from tests.support.sandbox_plans import ANA


def test_media_are_uploaded_sent_downloaded_and_deleted(meta: Caller) -> None:
    form = {"messaging_product": "whatsapp", "type": "image/png"}
    media = meta.http.post(f"/{PHONE_NUMBER_ID}/media", data=form, files={"file": ("a.png", PNG, "image/png")}).json()[
        "id"
    ]
    image = {"type": "header", "parameters": [{"type": "image", "image": {"id": media}}]}
    assert meta.template(ANA, "new_collection", image, body("Ana")).status_code == 200
    shown = meta.http.get(f"/{media}").json()
    assert (shown["mime_type"], shown["file_size"]) == ("image/png", str(len(PNG)))
    assert httpx.get(shown["url"], headers=TOKEN).content == PNG
    assert httpx.get(shown["url"]).status_code == 401
    assert httpx.get(shown["url"] + "x", headers=TOKEN).status_code == 404
    assert meta.http.delete(f"/{media}").json() == {"success": True}
    assert meta.code_of(meta.template(ANA, "new_collection", image, body("Ana"))) == 100


def test_a_file_of_the_wrong_kind_or_size_is_refused(meta: Caller) -> None:
    def upload(mime_type: str, data: bytes) -> int:
        form = {"messaging_product": "whatsapp", "type": mime_type}
        return meta.code_of(
            meta.http.post(f"/{PHONE_NUMBER_ID}/media", data=form, files={"file": ("a", data, mime_type)})
        )

    assert upload("application/x-sh", b"x") == 100
    assert upload("image/png", bytes(5 * 1024 * 1024 + 1)) == 131053
    assert meta.code_of(meta.http.post(f"/{PHONE_NUMBER_ID}/media", json={})) == 100


def test_a_sample_is_uploaded_in_two_parts(meta: Caller) -> None:
    query = {"file_name": "a.png", "file_length": str(len(PNG)), "file_type": "image/png"}
    session = meta.http.post(f"/{APP_ID}/uploads", params=query).json()["id"]
    oauth = {"Authorization": TOKEN["Authorization"].replace("Bearer", "OAuth")}
    first = meta.http.post(f"/{session}", content=PNG[:10], headers=oauth | {"file_offset": "0"}).json()
    assert first == meta.http.get(f"/{session}").json() == {"id": session, "file_offset": 10}
    assert meta.http.post(f"/{session}", content=PNG[:10], headers=oauth | {"file_offset": "0"}).status_code == 400
    assert (
        meta.http.post(f"/{session}", content=PNG[10:], headers=oauth | {"file_offset": "10"})
        .json()["h"]
        .startswith("4::")
    )
