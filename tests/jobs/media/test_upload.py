"""Uploading to Meta once per number, and again before the ids expire."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.meta.management import GraphAdmin, GraphError
from jobs.core.wake_ups import RENEW_MEDIA
from jobs.media.library import add_media
from jobs.media.references import MediaNotReadyError, media_hashes, open_medium, resolve_content
from jobs.media.renewal import renew_for_number, renew_media, wake_media_renewal
from jobs.media.store import MissingContentError
from jobs.media.upload import LEASE, LIFE, MARGIN, upload_files
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import read_text
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.media import MediaFile, MediaHandle
from models.tables.number import Number
from models.templates.content import MessageContent
from tests.support.factories.campaigns import make_campaign
from tests.support.media import JPEG, PNG
from tests.support.sending_rig import Sending


@pytest.fixture
def spring(sending: Sending) -> MediaFile:
    """A picture of the library."""
    return add_media(sending.rt, "spring.png", [PNG], "ana@example.com", utcnow())


def upload(sending: Sending, row: MediaFile, now: datetime | None = None) -> None:
    with sending.rt.database.read() as session:
        number = session.get_one(Number, sending.number_id)
    upload_files(sending.rt, number, [row.sha256], now or utcnow())


def handle(sending: Sending) -> MediaHandle | None:
    with sending.rt.database.read() as session:
        return session.scalars(select(MediaHandle)).one_or_none()


def at_meta(sending: Sending) -> list[tuple[str, bytes]]:
    return [(media.id, media.data) for media in sending.sandbox.sim.media.items.values()]


def campaign_with(sending: Sending, row: MediaFile, status: CampaignStatus, **values: Any) -> int:
    with sending.rt.database.write() as session:
        campaign = make_campaign(
            session,
            session.get_one(Number, sending.number_id),
            status=status,
            media={"header": {"sha256": row.sha256, "file": row.name}},
            **values,
        )
        return campaign.id


def test_a_file_is_uploaded_once_for_a_number(sending: Sending, spring: MediaFile) -> None:
    now = utcnow()
    upload(sending, spring, now)
    upload(sending, spring, now)
    found = handle(sending)
    assert found is not None
    assert at_meta(sending) == [(found.media_id, PNG)]
    assert (found.uploaded_at, found.expires_at, found.uploading_until) == (now, now + LIFE, None)


def test_of_several_processes_at_once_one_uploads(sending: Sending, spring: MediaFile) -> None:
    failures: list[Exception] = []

    def once() -> None:
        try:
            upload(sending, spring)
        except Exception as error:  # noqa: BLE001 - the assertion shows it
            failures.append(error)

    threads = [threading.Thread(target=once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(at_meta(sending)) == 1


def test_a_process_that_died_while_it_uploaded_is_not_waited_for_for_ever(sending: Sending, spring: MediaFile) -> None:
    now = utcnow()
    with sending.rt.database.write() as session:
        session.add(
            MediaHandle(
                number_id=sending.number_id,
                sha256=spring.sha256,
                uploading_until=now - timedelta(seconds=1),
                created_at=now,
            )
        )
    upload(sending, spring, now)
    assert len(at_meta(sending)) == 1


def test_what_another_process_uploads_is_waited_for(sending: Sending, spring: MediaFile) -> None:
    now = utcnow()
    with sending.rt.database.write() as session:
        session.add(
            MediaHandle(number_id=sending.number_id, sha256=spring.sha256, uploading_until=now + LEASE, created_at=now)
        )

    def finish() -> None:
        with sending.rt.database.write() as session:
            session.execute(update(MediaHandle).values(media_id="77", expires_at=now + LIFE, uploading_until=None))

    timer = threading.Timer(0.5, finish)
    timer.start()
    upload(sending, spring, now)
    timer.join()
    assert at_meta(sending) == []


def test_an_upload_that_meta_refuses_leaves_no_id_and_may_be_tried_again(
    sending: Sending, spring: MediaFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> str:
        raise GraphError("Meta refused: 131053", code=131053)

    with monkeypatch.context() as patch:
        patch.setattr(GraphAdmin, "upload_media", refuse)
        with pytest.raises(GraphError, match="131053"):
            upload(sending, spring)
    found = handle(sending)
    assert found is not None
    assert (found.media_id, found.uploading_until) == (None, None)
    upload(sending, spring)
    assert len(at_meta(sending)) == 1


def test_a_content_that_is_lost_is_said_by_its_name(sending: Sending, spring: MediaFile) -> None:
    (sending.rt.settings.var_dir / "media" / spring.storage_key).unlink()
    with pytest.raises(MissingContentError, match=r"media: spring\.png cannot be read: .*; upload it again"):
        upload(sending, spring)


def test_every_reference_of_a_message_becomes_what_it_sends(sending: Sending, spring: MediaFile) -> None:
    now = utcnow()
    picture = {"sha256": spring.sha256, "file": "spring.png"}
    link = {"link": "https://shop.example.com/a.png"}
    content = MessageContent(
        media={"header": picture},
        cards=[{"media": {"header": link}}, {"media": {"header": picture | {"filename": "card.png"}}}],
    )
    assert media_hashes(content.media, content.content_column()) == {spring.sha256}
    with sending.rt.database.read() as session, pytest.raises(MediaNotReadyError):
        resolve_content(session, sending.number_id, content, now)
    upload(sending, spring, now)
    found = handle(sending)
    assert found is not None
    with sending.rt.database.read() as session:
        sent = resolve_content(session, sending.number_id, content, now)
        assert sent.media == {"header": {"id": found.media_id, "filename": "spring.png"}}
        assert [card["media"]["header"] for card in sent.cards] == [
            link,
            {"id": found.media_id, "filename": "card.png"},
        ]
        with pytest.raises(MediaNotReadyError):
            resolve_content(session, sending.number_id, content, now + LIFE)


def test_a_file_is_opened_for_the_resumable_upload(sending: Sending, spring: MediaFile) -> None:
    for reference in (str(spring.id), spring.sha256):
        with open_medium(sending.rt, reference) as medium:
            assert (medium.name, medium.mime_type, medium.size_bytes, medium.file.read()) == (
                "spring.png", "image/png", len(PNG), PNG,
            )  # fmt: skip
    with pytest.raises(OperatorError, match="no such file"), open_medium(sending.rt, "999"):
        raise AssertionError


@pytest.mark.parametrize(
    "status", [CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.SCHEDULED, CampaignStatus.READY]
)
def test_ids_are_renewed_before_they_expire_for_what_may_send_them(
    sending: Sending, spring: MediaFile, status: CampaignStatus
) -> None:
    now = utcnow()
    reason = {"pause_reason": PauseReason.OPERATOR} if status is CampaignStatus.PAUSED else {}
    when = {"scheduled_at": now} if status is CampaignStatus.SCHEDULED else {}
    campaign_with(sending, spring, status, **reason, **when)
    needs_it = status is not CampaignStatus.READY
    upload(sending, spring, now - LIFE + MARGIN + timedelta(hours=1))
    assert wake_media_renewal(sending.rt, now) == 0
    assert wake_media_renewal(sending.rt, now + timedelta(hours=2)) == needs_it
    renew_for_number(sending.rt, sending.number_id, now + timedelta(hours=2))
    found = handle(sending)
    assert found is not None
    assert found.media_id is not None
    assert found.expires_at == (now + timedelta(hours=2) + LIFE if needs_it else now + MARGIN + timedelta(hours=1))
    assert [media_id for media_id, _ in at_meta(sending)][-1] == found.media_id


def test_a_campaign_whose_file_cannot_be_renewed_goes_on_while_its_id_lasts_and_is_paused_then(
    sending: Sending, spring: MediaFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utcnow()
    concerned = campaign_with(sending, spring, CampaignStatus.ACTIVE)
    other = campaign_with(
        sending, add_media(sending.rt, "other.jpg", [JPEG], "ana@example.com", now), CampaignStatus.ACTIVE
    )
    with sending.rt.database.read() as session:
        hashes = [media_hashes(session.get_one(Campaign, one).media).pop() for one in (concerned, other)]
        number = session.get_one(Number, sending.number_id)
    upload_files(sending.rt, number, hashes, now - LIFE + MARGIN)

    def refuse(*_arguments: object) -> str:
        raise GraphError("Meta refused: the type is not supported", code=131053)

    monkeypatch.setattr(GraphAdmin, "upload_media", refuse)
    renew_for_number(sending.rt, sending.number_id, now)
    assert sending.row(concerned).status is CampaignStatus.ACTIVE
    with sending.rt.database.write() as session:
        session.execute(update(MediaHandle).where(MediaHandle.sha256 == spring.sha256).values(expires_at=now))
    renew_for_number(sending.rt, sending.number_id, now)
    paused = sending.row(concerned)
    assert (paused.status, paused.pause_reason) == (CampaignStatus.PAUSED, PauseReason.MEDIA_REFUSED)
    assert "could not be uploaded to Meta: Meta refused: the type" in str(read_text(paused.pause_detail))
    assert sending.row(other).status is CampaignStatus.ACTIVE


def test_the_job_says_that_it_has_begun_and_survives_a_number_that_is_gone(sending: Sending, spring: MediaFile) -> None:
    campaign_with(sending, spring, CampaignStatus.ACTIVE)
    assert RENEW_MEDIA.enqueue(sending.rt.redis, sending.number_id)
    assert not RENEW_MEDIA.enqueue(sending.rt.redis, sending.number_id)
    renew_media(sending.number_id)
    assert RENEW_MEDIA.enqueue(sending.rt.redis, sending.number_id)
    assert len(at_meta(sending)) == 1
    renew_media(999)
