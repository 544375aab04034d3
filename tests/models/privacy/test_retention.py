"""What is forgotten in time, and what must not be."""

from datetime import timedelta
from pathlib import Path

from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime, use_runtime
from jobs.maintenance.purge import purge
from models.clock import utcnow
from models.config import Settings
from models.crypto import new_encryption_key
from models.db.engine import Database
from models.privacy.retention import purge_deleted_campaigns, purge_hashes, purge_messages
from models.tables.conversation import Conversation, Direction, Message, MessageState, PurgedWamid, wamid_hash
from models.tables.recipient import Recipient
from models.tables.recipient_tap import RecipientTap
from models.tables.recipient_try import RecipientTry
from models.tables.setting import write_setting
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.factories.conversations import make_conversation

OLD = NOW - timedelta(days=400)


def say(session: Session, conversation: Conversation, wamid: str, **values: object) -> Message:
    given = {
        "direction": Direction.IN, "state": MessageState.RECEIVED, "type": "text", "body": "hello", "at": OLD, "handled_at": OLD,
    }  # fmt: skip
    message = Message(conversation_id=conversation.id, wamid=wamid, **(given | values))
    session.add(message)
    session.flush()
    return message


def chat(session: Session) -> Conversation:
    number = make_number(session)
    return make_conversation(session, alice(session), number)


def test_old_messages_go_and_meta_may_still_repeat_them_for_eight_days(database: Database) -> None:
    with database.write() as session:
        conversation = chat(session)
        say(session, conversation, "wamid.old")
        say(session, conversation, "wamid.new", at=NOW - timedelta(days=1))
        say(session, conversation, "wamid.waits", handled_at=None)
        say(session, conversation, "wamid.ours", direction=Direction.OUT, state=MessageState.ACCEPTED, handled_at=None)
        say(session, conversation, "wamid.queued", direction=Direction.OUT, state=MessageState.QUEUED, handled_at=None)
    with database.write() as session:
        assert purge_messages(session, NOW) == 2
    with database.write() as session:
        assert purge_messages(session, NOW) == 0
        left = set(session.scalars(select(Message.wamid)))
        assert left == {"wamid.new", "wamid.waits", "wamid.queued"}
        assert session.scalars(select(PurgedWamid.hash)).all() == [wamid_hash("wamid.old")]
        assert purge_hashes(session, NOW + timedelta(days=7)) == 0
        assert purge_hashes(session, NOW + timedelta(days=8)) == 1


def test_it_goes_on_slice_by_slice(database: Database) -> None:
    with database.write() as session:
        conversation = chat(session)
        for place in range(5):
            say(session, conversation, f"wamid.{place}")
    with database.write() as session:
        assert [purge_messages(session, NOW, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_the_people_of_a_deleted_campaign_go_after_thirty_days_at_the_least(database: Database) -> None:
    with database.write() as session:
        write_setting(session, "keep_messages_days", 1, NOW)
        number, person = make_number(session), alice(session)
        campaign = make_campaign(session, number)
        recipient = make_recipient(session, campaign, person)
        conversation = make_conversation(session, person, number)
        say(session, conversation, "wamid.reply", recipient_id=recipient.id, at=NOW)
        session.add(RecipientTap(recipient_id=recipient.id, place="0", campaign_id=campaign.id, title="Yes", at=NOW))
        session.add(
            RecipientTry(
                recipient_id=recipient.id, campaign_id=campaign.id, contact_id=person.id, attempt=1, again_at=NOW,
                state="refused", failures=0,
            )
        )  # fmt: skip
        campaign.deleted_at = NOW
    with database.write() as session:
        assert purge_deleted_campaigns(session, NOW + timedelta(days=29)) == 0
        assert purge_deleted_campaigns(session, NOW + timedelta(days=31)) == 1
        assert session.scalar(select(func.count()).select_from(Recipient)) == 0
        assert session.scalars(select(Message.recipient_id)).all() == [None]
        assert session.scalar(select(func.count()).select_from(RecipientTap)) == 0
        assert session.scalar(select(func.count()).select_from(RecipientTry)) == 0


def test_the_job_takes_everything_that_is_old(tmp_path: Path, database_url: str, redis: Redis, redis_url: str) -> None:
    rt = Runtime(
        Settings(
            database_url=database_url, redis_url=redis_url, var_dir=tmp_path, encryption_keys=(new_encryption_key(),)
        )
    )
    with rt.database.write() as session:
        conversation = chat(session)
        say(session, conversation, "wamid.old", at=utcnow() - timedelta(days=400))
        say(session, conversation, "wamid.new", at=utcnow())
    with use_runtime(rt):
        purge()
    with rt.database.read() as session:
        assert session.scalars(select(Message.wamid)).all() == ["wamid.new"]
    rt.close()
