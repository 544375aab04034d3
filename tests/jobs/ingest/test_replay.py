"""Dead letters: taken out of the way, and applied once they can be."""

import pytest

from bot.webhooks.stream import EventStream
from jobs.core.runtime import Runtime
from jobs.ingest.consumer import Consumer
from jobs.ingest.replay import ReplayCounts, replay_letters
from models.errors import OperatorError
from tests.support.ingest_rig import letters, poison, seed, status_body, tally


def test_a_payload_that_cannot_be_applied_is_taken_out_and_replayed_after_the_mend(
    rt: Runtime, stream: EventStream, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = seed(rt, 4)
    with monkeypatch.context() as patched:
        poison(patched, "w2", ValueError("+34600000001 wrote: hello"))
        stream.append(status_body(rt, (keys[0], "w0", "read")))
        stream.append(status_body(rt, (keys[1], "w1", "read"), (keys[2], "w2", "read"), (keys[3], "w3", "read")))
        consumer.run_once()
        assert (tally(rt), stream.backlog().events) == ({"read": 3, "sent": 1}, 0)
        [letter] = letters(rt)
        assert letter.error.startswith("ValueError")
        assert "3460" not in letter.error
        assert replay_letters(rt) == ReplayCounts(0, 1)
        assert letters(rt)[0].times == 2
    assert replay_letters(rt, letter.id) == ReplayCounts(1, 0)
    assert (tally(rt), letters(rt)[0].payload) == ({"read": 4}, "")
    assert replay_letters(rt) == ReplayCounts(0, 0)
    with pytest.raises(OperatorError, match=f"dead letter {letter.id}"):
        replay_letters(rt, letter.id)
