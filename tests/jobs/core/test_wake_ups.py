"""Wake-ups: each names a function that exists and takes what it is given, and what an earlier version queued still runs."""

import inspect
from pkgutil import resolve_name
from typing import get_args

import pytest
from redis import Redis
from rq.serializers import JSONSerializer

from jobs.core import wake_ups
from jobs.core.queues import CHORES, queue
from jobs.core.wake_ups import PREVIOUS_JOBS, SERVE_NUMBER, WakeUp
from jobs.worker import Worker

DECLARED = {name: value for name, value in vars(wake_ups).items() if isinstance(value, WakeUp)}


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_a_wake_up_names_a_job_that_takes_its_ids(name: str) -> None:
    job = resolve_name(DECLARED[name].job)
    ids = get_args(wake_ups.__annotations__[name])[0]
    assert [parameter.annotation for parameter in inspect.signature(job).parameters.values()] == list(ids)


def test_what_the_version_before_called_its_jobs_leads_to_one_of_todays() -> None:
    assert set(PREVIOUS_JOBS.values()) <= {wake_up.job for wake_up in DECLARED.values()}


def test_a_job_that_the_version_before_queued_runs_under_its_new_name(redis: Redis) -> None:
    queue(redis, CHORES).enqueue("jobs.reply_commands.carry_out", 4711)
    worker = Worker([CHORES], connection=redis, serializer=JSONSerializer)
    taken = worker._dequeue()
    assert taken is not None
    assert (taken[0].func_name, list(taken[0].args)) == ("jobs.replies.chatops.run_confirmed_command", [4711])
    assert taken[0].func is resolve_name("jobs.replies.chatops:run_confirmed_command")


def test_only_one_wake_up_of_a_number_waits_until_it_is_started(redis: Redis) -> None:
    assert SERVE_NUMBER.enqueue(redis, 1)
    assert not SERVE_NUMBER.enqueue(redis, 1)
    assert SERVE_NUMBER.enqueue(redis, 2)
    SERVE_NUMBER.started(redis, 1)
    assert SERVE_NUMBER.enqueue(redis, 1)
