"""What lanes began: each request, and what a lane had begun when it first read a decisive answer."""

import threading
from collections import Counter
from typing import Any

import pytest

from bot.meta.error_codes import ErrorAction
from jobs.sending import lane
from jobs.sending.campaign_feed import ServedCohort
from jobs.sending.judge import SendVerdict
from jobs.sending.side_effects import SideEffects
from models.sending.claim import ClaimedRecipient

DECISIVE = {ErrorAction.PAUSE, ErrorAction.STOP, ErrorAction.HOLD}


class Begun:
    """Which lane began each request, and what each had begun when it first read a decisive answer. A lane is a thread here."""

    def __init__(self) -> None:
        self.requests = Counter[int]()
        self.when_told: dict[int, int] = {}

    def assert_a_told_lane_begins_nothing(self) -> None:
        """However long Meta's answers were on their way. Each of the other lanes learns it with its next chunk."""
        assert self.when_told
        assert {thread: self.requests[thread] for thread in self.when_told} == self.when_told


def watch_what_begins(monkeypatch: pytest.MonkeyPatch) -> Begun:
    """Watch every lane of this process from here on."""
    found = Begun()
    send, follow = lane.SenderLane._send, SideEffects.apply

    def noted_send(self: lane.SenderLane, cohort: ServedCohort, row: ClaimedRecipient) -> Any:
        found.requests[threading.get_ident()] += 1
        return send(self, cohort, row)

    def noted_follow(self: SideEffects, cohort: ServedCohort, row: ClaimedRecipient, verdict: SendVerdict) -> None:
        if verdict.rule is not None and verdict.rule.action in DECISIVE:
            thread = threading.get_ident()
            found.when_told.setdefault(thread, found.requests[thread])
        follow(self, cohort, row, verdict)

    monkeypatch.setattr(lane.SenderLane, "_send", noted_send)
    monkeypatch.setattr(SideEffects, "apply", noted_follow)
    return found
