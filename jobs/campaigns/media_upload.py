"""Uploads a campaign's media to Meta before it starts."""

from datetime import datetime

from jobs.core.runtime import Runtime
from jobs.media.store import MissingContentError
from jobs.media.upload import upload_files
from jobs.media.usage import campaign_files
from models.tables.campaign import Campaign


def upload_media(rt: Runtime, campaign_id: int, now: datetime) -> None:
    """Upload every file of the campaign that has no valid id at Meta.

    Raises MissingContentError if a file is gone, GraphError if Meta refuses one or cannot be reached, MediaStoreError if the store
    of the files cannot be asked.
    """
    with rt.database.read() as session:
        campaign = session.get_one(Campaign, campaign_id)
        hashes = {sha256 for files in campaign_files(session, Campaign.id == campaign_id) for sha256 in files.hashes}
        number = campaign.number
    if hashes and number is None:
        raise MissingContentError("media: the uploaded file is not there any more; upload it again")
    if number is not None:
        upload_files(rt, number, hashes, now)
