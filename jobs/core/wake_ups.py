"""Defines every wake-up as a constant: the job, its queue, and the key by which only one of them waits.

A job's function is named here and nowhere else, since RQ stores its dotted path; a test resolves each path and compares the
parameters. `PREVIOUS_JOBS` lets jobs run that the previous version queued.
"""

from collections.abc import Mapping
from typing import Generic, ParamSpec

from redis import Redis

from jobs.core.queues import ANSWER, CHORES, JOB_TIMEOUT_SECONDS, LAUNCH, SEND, enqueue_once, started

P = ParamSpec("P")


class WakeUp(Generic[P]):
    """Enqueues `job` in `queue`. Of those with the same `key` and ids only one waits; without a key each one runs.

    The worker stops a job that runs longer than `seconds`.
    """

    def __init__(self, queue: str, job: str, key: str | None, seconds: int = JOB_TIMEOUT_SECONDS) -> None:
        self.queue = queue
        self.job = job
        self._key = key
        self._seconds = seconds

    def enqueue(self, redis: Redis, /, *ids: P.args, **_named: P.kwargs) -> bool:
        """Return False if one waits already.

        Raises RedisError if Redis cannot be reached; the schedule then enqueues it again from the rows.
        """
        return enqueue_once(redis, self.queue, self.job, *ids, key=self._key and self._name(ids), seconds=self._seconds)

    def started(self, redis: Redis, /, *ids: P.args, **_named: P.kwargs) -> None:
        """Allow the next one to be enqueued. The job calls it before it looks for work."""
        started(redis, self._name(ids))

    def _name(self, ids: tuple[object, ...]) -> str:
        return ":".join([self._key or "", *map(str, ids)])


SERVE_NUMBER: WakeUp[[int]] = WakeUp(SEND, "jobs.sending.serve.serve_number", "send")
LAUNCH_CAMPAIGN: WakeUp[[int]] = WakeUp(LAUNCH, "jobs.campaigns.launch.launch_campaign", "launch")
START_SCHEDULED: WakeUp[[int]] = WakeUp(CHORES, "jobs.campaigns.start.start_scheduled", "start")
RESUME_WHEN_CLEAR: WakeUp[[int]] = WakeUp(CHORES, "jobs.campaigns.hold_resume.resume_when_clear", "resume")
RESUME_LANGUAGE: WakeUp[[int]] = WakeUp(CHORES, "jobs.campaigns.cohorts.resume_language_when_over", "resume-language")
ANSWER_CONTACT: WakeUp[[int]] = WakeUp(ANSWER, "jobs.replies.answer.answer_contact", "answer")
ANSWER_WAITING: WakeUp[[str]] = WakeUp(ANSWER, "jobs.replies.answer.answer_many", "answer")
"""Its argument is the name of the caller: the ingest, the schedule, or a dispatcher whose time is over."""
RUN_CONFIRMED_COMMAND: WakeUp[[int]] = WakeUp(CHORES, "jobs.replies.chatops.run_confirmed_command", None)
SYNC_TEMPLATES: WakeUp[[int]] = WakeUp(CHORES, "jobs.maintenance.meta_sync.sync_templates", "templates")
SYNC_NUMBER: WakeUp[[int]] = WakeUp(CHORES, "jobs.maintenance.meta_sync.sync_number", "number")
RENEW_MEDIA: WakeUp[[int]] = WakeUp(CHORES, "jobs.media.renewal.renew_media", "media", seconds=3600)
"""An hour: it may upload many files, one after the other."""
DELETE_REMOVED_MEDIA: WakeUp[[]] = WakeUp(CHORES, "jobs.media.cleanup.delete_removed_media", "removed-media")
SYNC_MARKETING: WakeUp[[int]] = WakeUp(CHORES, "jobs.maintenance.marketing_sync.sync_marketing", "marketing")
SYNC_CATALOGS: WakeUp[[int]] = WakeUp(CHORES, "jobs.maintenance.catalog_sync.sync_catalogs", "catalogs")
COUNT_SIGNALS: WakeUp[[]] = WakeUp(CHORES, "jobs.signals.count.count_signals", "signals")
FILL_LIST: WakeUp[[int]] = WakeUp(CHORES, "jobs.follow_up.fill_lists.fill_list", "fill-list")
PURGE: WakeUp[[]] = WakeUp(CHORES, "jobs.maintenance.purge.purge", "purge")
RUN_IMPORT: WakeUp[[str]] = WakeUp(CHORES, "jobs.imports.run.run_import", "import", seconds=3600)
"""An hour: a turn imports at least one chunk, and reads a long file first."""
RUN_REPLAY: WakeUp[[]] = WakeUp(CHORES, "jobs.ingest.replay_all.run_replay", "replay")
APPLY_SHOP_EVENTS: WakeUp[[]] = WakeUp(CHORES, "jobs.ingest.shop.apply_shop_events", "shop")
READ_SHOP_CUSTOMERS: WakeUp[[]] = WakeUp(CHORES, "jobs.shop.customers.read_shop_customers", "shop-customers")
WRITE_SHOP_OPT_OUTS: WakeUp[[]] = WakeUp(CHORES, "jobs.shop.opt_outs.write_shop_opt_outs", "shop-opt-outs")
LOOK_AT_SHOP: WakeUp[[]] = WakeUp(CHORES, "jobs.shop.daily_look.look_at_shop", "shop-look")
ATTRIBUTE_ORDERS: WakeUp[[]] = WakeUp(CHORES, "jobs.conversions.attribution.attribute_orders", "conversions")

PREVIOUS_JOBS: Mapping[str, str] = {
    "jobs.send.serve_number": SERVE_NUMBER.job,
    "jobs.launch.launch_campaign": LAUNCH_CAMPAIGN.job,
    "jobs.starting.start_scheduled": START_SCHEDULED.job,
    "jobs.guard.go_on": RESUME_WHEN_CLEAR.job,
    "jobs.answer.answer_contact": ANSWER_CONTACT.job,
    "jobs.answer.answer_many": ANSWER_WAITING.job,
    "jobs.reply_commands.carry_out": RUN_CONFIRMED_COMMAND.job,
    "jobs.sync.sync_templates": SYNC_TEMPLATES.job,
    "jobs.sync.sync_number": SYNC_NUMBER.job,
    "jobs.purge.purge": PURGE.job,
    "jobs.import_turns.run_import": RUN_IMPORT.job,
    "jobs.replay_run.run_replay": RUN_REPLAY.job,
    "jobs.shop_events.take_shop_events": APPLY_SHOP_EVENTS.job,
}
"""Paths of the jobs in 0.1 → today's. To be removed in the next version."""
