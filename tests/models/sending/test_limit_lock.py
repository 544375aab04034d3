"""A sender that counts people against the limit does not wait for whoever stores a person of the same portfolio."""

from sqlalchemy import text

from models.clock import utcnow
from models.contacts.identity import Identity
from models.contacts.resolve import resolve_contact
from models.db.engine import Database
from models.sending.messaging_limit import reserve_people
from tests.support.factories.campaigns import make_number


def test_counting_people_does_not_wait_for_a_reply_that_is_being_stored(postgres_url: str) -> None:
    """The reply refers to the portfolio, and may wait for recipients whose results wait for the sender's campaign.

    With a wait here that would be a circle. On SQLite there is one writer at a time.
    """
    database = Database(postgres_url)
    with database.write() as session:
        number = make_number(session, messaging_limit=1000)
        portfolio_id, number_id = number.waba.portfolio_id, number.id
    with database.write() as reply:
        resolve_contact(reply, Identity("34600000041", None, portfolio_id, "ES.41"), utcnow())
        reply.flush()
        with database.write() as sender:
            sender.execute(text("SET LOCAL lock_timeout = '2s'"))
            granted = reserve_people(sender, portfolio_id, number_id, [("wa:34600000042", 1)], utcnow())
    database.dispose()
    assert granted.granted == {"wa:34600000042"}
