"""What must be so after whatever died under a running campaign: nobody twice, nobody lost, every sum exact."""

import random
import time

from sqlalchemy import func, select

from jobs.campaigns.start import start_campaign
from jobs.sending.lane import CHUNK_SECONDS
from models.campaigns.stats import campaign_stats
from models.clock import utcnow
from models.tables.conversation import Direction, Message
from models.tables.recipient import Recipient
from models.tables.webhook_event import ParkedStatus
from tests.support.proof import rounds
from tests.support.running_hark import Installation, wait_for

IN_FLIGHT_SECONDS = 1.0
"""A local Meta takes a request in long before this, so a sender has begun no more than a second's requests that never arrived."""
PATIENCE_SECONDS = rounds(180, 900)
"""For what comes sooner or later: a machine whose cores are busy elsewhere is slow, not wrong."""
SENDERS = ("sender-1", "sender-2")


def parked(hark: Installation) -> int:
    with hark.rt.database.read() as session:
        return session.scalar(select(func.count()).select_from(ParkedStatus)) or 0


def at_rest(hark: Installation, campaign_id: int) -> bool:
    states = hark.states(campaign_id)
    return bool(states) and not states.get("queued") and not states.get("sending")


def wait_until_settled(hark: Installation, campaign_id: int) -> None:
    """Everybody is at rest, and every status came and is applied."""
    wait_for(
        lambda: at_rest(hark, campaign_id),
        PATIENCE_SECONDS,
        lambda: f"everybody is at rest {hark.states(campaign_id)} {hark.tail()}",
    )
    wait_for(lambda: hark.stats()["at_rest"], PATIENCE_SECONDS, "Meta has delivered every status")
    wait_for(lambda: hark.rt.redis.xlen("hark:events") == 0, PATIENCE_SECONDS, "every event is applied")
    wait_for(lambda: not parked(hark), PATIENCE_SECONDS, "every status that was parked is applied")


def most_lost(pace: float) -> int:
    """What one lane can leave unsure: what it has under way, and its chunk. The sandbox of these tests loses nothing itself."""
    return round(pace * IN_FLIGHT_SECONDS) + max(1, round(pace * CHUNK_SECONDS))


def assert_nobody_twice_and_nobody_lost(
    hark: Installation, campaign_id: int, count: int, *, lost_lanes: int, pace: float
) -> None:
    """`lost_lanes` is how many processes that can hold rows were killed."""
    stats = hark.stats()
    assert stats["duplicates"]["count"] == 0
    assert stats["repeated_people"]["count"] == 0
    ids = [key.split(":")[2] for key in stats["callbacks"]["counts"]]
    accepted = {int(text) for text in ids if text.isdigit()}  # those of chat messages have an m before them
    with hark.rt.database.read() as session:
        rows = session.execute(select(Recipient.id, Recipient.state).where(Recipient.campaign_id == campaign_id)).all()
    assert len(rows) == count
    by_state: dict[str, set[int]] = {}
    for row in rows:
        by_state.setdefault(str(row.state), set()).add(row.id)
    taken = by_state.get("accepted", set()) | by_state.get("held", set())
    unsure = by_state.get("unsure", set())
    state_of = {row.id: str(row.state) for row in rows}
    unknown = {key: state_of[key] for key in taken - accepted}
    assert unknown == {}, f"{len(unknown)} count as sent whom Meta never had, of {len(accepted)}: {sorted(unknown)[:5]}"
    missed = {key: state_of[key] for key in accepted - taken}
    assert missed == {}, f"{len(missed)} that Meta accepted do not count as sent: {sorted(missed.items())[:5]}"
    left_out = by_state.get("not_sent", set())
    assert len(taken) + len(unsure) + len(left_out) == count
    assert len(unsure) <= lost_lanes * most_lost(pace)


def assert_every_reply_is_stored_once(hark: Installation) -> int:
    """Every message of a person that the sandbox had answered with 200 is there, once; returns how many there are."""
    sent = hark.inbound()
    with hark.rt.database.read() as session:
        stored = list(session.scalars(select(Message.wamid).where(Message.direction == Direction.IN)))
    assert len(stored) == len(set(stored)), "a reply is stored twice"
    assert set(sent) - set(stored) == set(), "a reply is lost"
    assert set(stored) <= set(sent)
    return len(sent)


def assert_sums_are_exact(hark: Installation, campaign_id: int, count: int) -> None:
    """What the campaign's page adds up to is what its rows are."""
    with hark.rt.database.read() as session:
        rows = session.scalar(select(func.count()).where(Recipient.campaign_id == campaign_id))
        states = session.execute(
            select(Recipient.state, func.count()).where(Recipient.campaign_id == campaign_id).group_by(Recipient.state)
        )
        assert rows == count == sum(number for _, number in states)
        assert campaign_stats(session, campaign_id)["unsure"] == hark.states(campaign_id).get("unsure", 0)


def begin_with_replies(hark: Installation, count: int, *, pace: float) -> int:
    """Start a campaign whose people read and answer soon; its id."""
    hark.configure_sandbox(reply_share=0.3, read_share=0.9, read_seconds=1.0, reply_seconds=1.0)
    campaign_id = hark.prepare(count, pace=pace)
    start_campaign(hark.rt, campaign_id, utcnow(), "test")
    return campaign_id


def send_some(hark: Installation, campaign_id: int, chance: random.Random) -> None:
    """Until a random number more is sent, and a random moment longer."""
    enough = hark.states(campaign_id).get("accepted", 0) + chance.randint(30, 90)
    wait_for(
        lambda: hark.states(campaign_id).get("accepted", 0) >= enough or at_rest(hark, campaign_id),
        PATIENCE_SECONDS,
        hark.tail,
    )
    time.sleep(chance.uniform(0.0, 1.0))
