"""Uploads a campaign's media to Meta before it starts. A media id is valid for 30 days (docs/meta.md §6)."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.maintenance.meta_sync import management_client
from models.errors import OperatorError
from models.sending.cohorts import message_contents
from models.tables.campaign import Campaign
from models.tables.template import MediaHandle

LIFE = timedelta(days=30)
MARGIN = timedelta(days=8)
"""A campaign sends for days: a file whose id would expire meanwhile is uploaded again."""


def upload_media(rt: Runtime, campaign_id: int, now: datetime) -> None:
    """Upload every file of the campaign that has no valid id at Meta.

    Raises OperatorError if a file is gone, GraphError if Meta refuses one or cannot be reached.
    """
    with rt.database.read() as session:
        campaign = session.get_one(Campaign, campaign_id)
        contents = message_contents(session, campaign)
        hashes = [medium["sha256"] for content in contents for medium in content.all_media() if medium.get("sha256")]
        handles = session.scalars(
            select(MediaHandle).where(MediaHandle.number_id == campaign.number_id, MediaHandle.sha256.in_(hashes))
        ).all()
        number = campaign.number
    if len(handles) < len(set(hashes)) or (hashes and number is None):
        raise OperatorError("media: the uploaded file is not there any more; upload it again")
    for handle in handles:
        if number is None or (handle.media_id and handle.expires_at and handle.expires_at > now + MARGIN):
            continue
        try:
            data = Path(handle.path).read_bytes()
        except OSError as error:
            raise OperatorError(
                "media: {file_name} cannot be read ({reason}); upload it again",
                file_name=handle.file_name,
                reason=error.strerror,
            ) from None
        with management_client(rt, number) as graph:
            media_id = graph.upload_media(number.phone_number_id, handle.file_name, handle.mime_type, data)
        with rt.database.write() as session:
            row = session.get_one(MediaHandle, handle.id)
            row.media_id, row.uploaded_at, row.expires_at = media_id, now, now + LIFE
