"""Uploading a campaign's media to Meta before it starts. An id lives 30 days there (docs/meta.md §6)."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.maintenance.meta_sync import management_client
from models.errors import OperatorError
from models.tables.campaign import Campaign
from models.tables.template import MediaHandle

LIFE = timedelta(days=30)
MARGIN = timedelta(days=8)
"""A campaign sends for days: an id that would end meanwhile is made anew."""


def upload_media(rt: Runtime, campaign_id: int, now: datetime) -> None:
    """Give every file of the campaign a living id at Meta. GraphError; Refused where a file is gone."""
    with rt.database.read() as session:
        campaign = session.get_one(Campaign, campaign_id)
        wanted = [medium["sha256"] for medium in campaign.media.values() if medium.get("sha256")]
        handles = session.scalars(
            select(MediaHandle).where(MediaHandle.number_id == campaign.number_id, MediaHandle.sha256.in_(wanted))
        ).all()
        number = campaign.number
    if len(handles) < len(set(wanted)) or (wanted and number is None):
        raise OperatorError("media: the uploaded file is not there any more; upload it again")
    for handle in handles:
        if number is None or (handle.media_id and handle.expires_at and handle.expires_at > now + MARGIN):
            continue
        try:
            content = Path(handle.path).read_bytes()
        except OSError as error:
            raise OperatorError(
                "media: {file_name} cannot be read ({reason}); upload it again",
                file_name=handle.file_name,
                reason=error.strerror,
            ) from None
        with management_client(rt, number) as graph:
            media_id = graph.upload_media(number.phone_number_id, handle.file_name, handle.mime_type, content)
        with rt.database.write() as session:
            row = session.get_one(MediaHandle, handle.id)
            row.media_id, row.uploaded_at, row.expires_at = media_id, now, now + LIFE
