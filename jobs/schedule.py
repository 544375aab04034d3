"""Runs the periodic jobs, which are one list in this file: `python -m jobs.schedule`, any number of them on any number of hosts.

Each job repairs or starts something according to the rows of the database, so running it twice, late or not at all for a while
changes nothing but the time. A job that fails is logged once, until it works again, and does not stop the others. What takes
long or calls Meta is not run here: a wake-up starts it in a worker (jobs.core.wake_ups).
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from redis.exceptions import RedisError

from jobs.analytics.meta_books import wake_meta_books
from jobs.analytics.reply_counts import count_ended_campaigns
from jobs.campaigns.cohorts import resume_approved_languages
from jobs.campaigns.hold_resume import pause_while_ingest_lags
from jobs.campaigns.launch import resume_launches
from jobs.campaigns.monitor import monitor, release_finished_recipients
from jobs.campaigns.spending import LOOK_SECONDS, watch_spending
from jobs.campaigns.start import wake_scheduled
from jobs.conversions.attribution import wake_attribution
from jobs.core.clock_check import note_clocks
from jobs.core.logs import configure_logs, described
from jobs.core.runtime import Runtime, runtime
from jobs.core.shutdown import SHUTDOWN, stop_on_signals
from jobs.erasure.rewrite import rewrite_files
from jobs.follow_up.fill_lists import wake_fills
from jobs.imports.run import wake_imports
from jobs.ingest.replay_all import wake_replay
from jobs.ingest.shop import wake_shop
from jobs.maintenance.audit_chain import look_after_audit
from jobs.maintenance.catalog_sync import wake_catalogs
from jobs.maintenance.fold_texts import fold_contact_texts
from jobs.maintenance.marketing_sync import wake_marketing
from jobs.maintenance.meta_sync import wake_syncs
from jobs.maintenance.old_times import rewrite_old_times
from jobs.maintenance.purge import wake_purge
from jobs.media.cleanup import wake_media_cleanup
from jobs.media.renewal import wake_media_renewal
from jobs.replies.answer import wake_repliers
from jobs.restore.marks import keep_marks
from jobs.restore.redaction_file import look_after_redactions
from jobs.restore.watch import look_after_holds
from jobs.results.recount import EVERY_SECONDS as RECOUNT_SECONDS
from jobs.results.recount import recount_changed
from jobs.sending.cohort_assignment import assign_cohorts
from jobs.sending.lease import sweep_lost_lanes
from jobs.sending.wake import wake_senders
from jobs.shop.customers import wake_shop_reads
from jobs.shop.daily_look import wake_look
from jobs.shop.opt_outs import EVERY_SECONDS, wake_opt_outs
from jobs.signals.count import wake_signals
from jobs.tries.again import queue_by_rules
from models.clock import utcnow

log = logging.getLogger("hark.schedule")


@dataclass(frozen=True)
class PeriodicJob:
    """A function that runs every `every_seconds`; `name` is its name in logs."""

    name: str
    every_seconds: float
    run: Callable[[Runtime, datetime], object]


PERIODIC_JOBS: tuple[PeriodicJob, ...] = (
    PeriodicJob("compare_clocks", 10, note_clocks),
    PeriodicJob("notice_restored_database", 2, look_after_holds),
    PeriodicJob("keep_marks_of_opt_outs", 5, keep_marks),
    PeriodicJob("keep_marks_of_redactions_on_disk", 5, lambda rt, _now: look_after_redactions(rt)),
    PeriodicJob("wake_senders", 1, wake_senders),
    PeriodicJob("wake_repliers", 1, wake_repliers),
    PeriodicJob("sweep_lost_lanes", 2, sweep_lost_lanes),
    PeriodicJob("resume_launches", 5, lambda rt, _now: resume_launches(rt)),
    PeriodicJob("start_scheduled_campaigns", 2, wake_scheduled),
    PeriodicJob("settle_campaign_outcomes", 2, monitor),
    PeriodicJob("resume_approved_languages", 5, resume_approved_languages),
    PeriodicJob("release_finished_recipients", 30, release_finished_recipients),
    PeriodicJob("retry_temporary_failures", 60, queue_by_rules),
    PeriodicJob("pause_on_ingest_lag", 2, pause_while_ingest_lags),
    PeriodicJob("recount_spending", LOOK_SECONDS, watch_spending),
    PeriodicJob("recount_results", RECOUNT_SECONDS, recount_changed),
    PeriodicJob("count_signals", 5, wake_signals),
    PeriodicJob("apply_shop_events", 1, wake_shop),
    PeriodicJob("read_changed_shop_customers", 5, wake_shop_reads),
    PeriodicJob("write_opt_outs_to_shop", EVERY_SECONDS, wake_opt_outs),
    PeriodicJob("look_at_shop_daily", 60, wake_look),
    PeriodicJob("attribute_orders", 2, wake_attribution),
    PeriodicJob("sync_templates_and_numbers", 300, wake_syncs),
    PeriodicJob("renew_media", 60, wake_media_renewal),
    PeriodicJob("delete_removed_media", 600, wake_media_cleanup),
    PeriodicJob("sync_marketing_api", 300, wake_marketing),
    PeriodicJob("count_replies_of_ended_campaigns", 60, count_ended_campaigns),
    PeriodicJob("compare_with_meta_books", 600, wake_meta_books),
    PeriodicJob("sync_catalogs", 1800, wake_catalogs),
    PeriodicJob("resume_imports", 5, wake_imports),
    PeriodicJob("resume_list_fills", 5, lambda rt, _now: wake_fills(rt)),
    PeriodicJob("fold_contact_texts", 1, fold_contact_texts),
    PeriodicJob("rewrite_old_times", 1, rewrite_old_times),
    PeriodicJob("assign_cohorts", 1, assign_cohorts),
    PeriodicJob("resume_replays", 5, wake_replay),
    PeriodicJob("keep_end_of_audit", 5, look_after_audit),
    PeriodicJob("rewrite_files_with_deleted_contents", 60, rewrite_files),
    PeriodicJob("purge_expired", 600, wake_purge),
)


@dataclass
class Schedule:
    """Runs items when they are due. `due_at`: name → seconds of the monotonic clock; `failing`: name → last logged error."""

    rt: Runtime
    items: Sequence[PeriodicJob] = PERIODIC_JOBS
    due_at: dict[str, float] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)

    def run_due(self, monotonic: float) -> float:
        """Run the due items; return the moment (monotonic seconds) at which the next one is due."""
        for item in self.items:
            if self.due_at.get(item.name, 0.0) <= monotonic and not SHUTDOWN.is_set():
                self._run(item)
                self.due_at[item.name] = time.monotonic() + item.every_seconds
        return min(self.due_at.get(item.name, 0.0) for item in self.items)

    def _run(self, item: PeriodicJob) -> None:
        try:
            item.run(self.rt, utcnow())
        except Exception as error:  # noqa: BLE001 - one failing item must not stop the others
            reason = f"Redis is away ({type(error).__name__})" if isinstance(error, RedisError) else described(error)
            if self.failing.get(item.name) != reason:
                log.error("%s: %s; trying again", item.name, reason)  # noqa: TRY400 - its text may hold a customer
            self.failing[item.name] = reason
        else:
            if self.failing.pop(item.name, None):
                log.info("%s: works again", item.name)


def main() -> None:
    """Run the schedule until SIGTERM or Ctrl-C."""
    configure_logs()
    stop_on_signals()
    rt = runtime()
    schedule = Schedule(rt)
    log.info("looking after %d things", len(schedule.items))
    try:
        while not SHUTDOWN.is_set():
            SHUTDOWN.wait(max(0.05, schedule.run_due(time.monotonic()) - time.monotonic()))
    finally:
        rt.close()


if __name__ == "__main__":
    main()
