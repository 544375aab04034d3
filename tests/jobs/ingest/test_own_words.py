"""The installation's own opt-out words are as certain as STOP."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import Consumer
from models.clock import utcnow
from models.conversations.possible_opt_outs import count_possible_opt_outs
from models.tables.contact import Consent, Contact
from models.tables.conversation import Message
from models.tables.setting import write_setting
from tests.support.factories.contacts import alice
from tests.support.ingest_rig import recorded, seed

Hear = Callable[[str], tuple[Consent, str | None, int]]


@pytest.fixture
def hear(rt: Runtime, stream: EventStream, consumer: Consumer) -> Hear:
    """Store a text of Alice's: her consent, the message's route, and how many people may want to stop."""
    seed(rt)
    with rt.database.write() as session:
        if session.scalars(select(Contact).where(Contact.wa_id == "34600000001")).first() is None:
            alice(session)
        write_setting(session, "stop_words", "Schluss jetzt; fin de pub", utcnow())

    def heard(text: str) -> tuple[Consent, str | None, int]:
        stream.append(recorded("message_text", **{"When do you open?": text}))
        consumer.run_once()
        with rt.database.read() as session:
            person = session.scalars(select(Contact).where(Contact.wa_id == "34600000001")).one()
            message = session.scalars(select(Message)).one()
            return person.consent, message.route, count_possible_opt_outs(session)

    return heard


@pytest.mark.parametrize("text", ["schluss JETZT!", "Fin de pub, merci", "STOP"])
def test_an_own_word_unsubscribes_like_stop(hear: Hear, text: str) -> None:
    assert hear(text) == (Consent.UNSUBSCRIBED, "stop", 0)


def test_an_own_word_inside_a_sentence_is_for_a_human(hear: Hear) -> None:
    assert hear("Ist jetzt Schluss jetzt oder was?") == (Consent.SUBSCRIBED, None, 1)


@pytest.mark.parametrize("text", ["Schluss", "hello there"])
def test_other_words_change_nothing(hear: Hear, text: str) -> None:
    assert hear(text) == (Consent.SUBSCRIBED, None, 0)
