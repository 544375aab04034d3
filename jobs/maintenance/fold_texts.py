"""Folds the texts of contacts that changed, so that the search finds them fast (`models.contacts.text_search`)."""

import time
from datetime import datetime

from jobs.core.runtime import Runtime
from models.contacts.text_search import BATCH, fold_stale, has_stale

SECONDS = 0.3
"""After so long the other periodic jobs have their turn; a million contacts of an import are folded within minutes."""


def fold_contact_texts(rt: Runtime, now: datetime) -> int:  # noqa: ARG001 - the schedule's form
    """Fold at least a batch, and more for SECONDS; return how many contacts were folded."""
    with rt.database.read() as session:
        if not has_stale(session):
            return 0
    folded, deadline = 0, time.monotonic() + SECONDS
    while True:
        with rt.database.write() as session:
            count = fold_stale(session, BATCH)
        folded += count
        if count < BATCH or time.monotonic() >= deadline:
            return folded
