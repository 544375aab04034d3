"""Handles the actions on a campaign. Each is one POST; the operation, not the button, decides whether it is possible."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from admin.operations.campaign_lifecycle import (
    change_end,
    schedule_campaign,
    send_test,
    tests_of,
    unschedule_campaign,
)
from admin.operations.campaigns import delete_campaign, duplicate_campaign
from admin.operations.restored import waits_for_start
from admin.operations.unsure import leave_unsure, resend_unsure
from admin.panel.base import PanelView, action, back, form, sentence
from admin.panel.campaigns.facts import campaign_facts
from admin.panel.live_stats import live_stats
from jobs.campaigns.lifecycle import end_campaign, pause_campaign, resume_campaign
from jobs.campaigns.start import fresh_preflight, start_campaign
from jobs.tries.again import try_again
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import CampaignKind
from models.tables.user import Role

ENDS = "Whoever is still waiting is not written to any more, and everybody in it is free for other campaigns."

TWICE = "Whoever got it after all gets it a second time. Leave them if that is worse than their not getting it."


class CampaignActions(PanelView):
    """The routes that start, schedule, pause, resume, end, test, duplicate and delete a campaign."""

    @action("/<int:campaign_id>/start", Role.MANAGER)
    def start(self, campaign_id: int) -> ResponseReturnValue:
        """Start it now, after a confirmation; with its name typed if it may have been sent before."""
        if waits_for_start(self.rt, campaign_id):
            return self._start_after_restore(campaign_id)
        if not self.is_confirmed():
            text = "It is sent to everybody who is eligible. A message that has left cannot be taken back."
            return self.confirm("Start this campaign now?", text, "Start now", "main", campaign_id)
        self.attempt("Started.", lambda: start_campaign(self.rt, campaign_id, utcnow(), self.me.email))
        return self._to(campaign_id)

    def _start_after_restore(self, campaign_id: int) -> ResponseReturnValue:
        name = campaign_facts(self.rt, campaign_id, errors=False).campaign.name
        if request.form.get("typed", "").strip() != name:
            if "typed" in request.form:
                flash("That is not the campaign's name; nothing was started.", "bad")
            return self.render(
                "panel/confirm.html",
                title="Start it although it may have been sent?",
                text="The database was put back from a copy. If this campaign was sent after the copy was made, everybody gets it a"
                " second time. Type its name to start it all the same.",
                typed=name,
                button="Start it all the same",
                tone="danger",
                back=url_for(".show", campaign_id=campaign_id),
            )
        start = lambda: start_campaign(  # noqa: E731
            self.rt, campaign_id, utcnow(), self.me.email, is_after_restore=True
        )
        self.attempt("Started.", start)
        return self._to(campaign_id)

    @action("/<int:campaign_id>/pause", Role.MANAGER)
    def pause(self, campaign_id: int) -> ResponseReturnValue:
        """Pause it."""
        self.attempt(
            "Paused: nothing more leaves.", lambda: pause_campaign(self.rt, campaign_id, utcnow(), self.me.email)
        )
        return self._to(campaign_id)

    @action("/<int:campaign_id>/resume", Role.MANAGER)
    def resume(self, campaign_id: int) -> ResponseReturnValue:
        """Resume it."""
        self.attempt("It goes on.", lambda: resume_campaign(self.rt, campaign_id, utcnow(), self.me.email))
        return self._to(campaign_id)

    @action("/<int:campaign_id>/end", Role.MANAGER)
    def end(self, campaign_id: int) -> ResponseReturnValue:
        """End it for good, after a confirmation."""
        if not self.is_confirmed():
            return self.confirm(
                "End this campaign?", f"{ENDS} It cannot be started again.", "End", "danger", campaign_id
            )
        self.attempt("Ended.", lambda: end_campaign(self.rt, campaign_id, utcnow(), self.me.email))
        return self._to(campaign_id)

    @action("/<int:campaign_id>/end-tests", Role.MANAGER)
    def end_tests(self, campaign_id: int) -> ResponseReturnValue:
        """End every test of it that still runs."""
        for test_id in tests_of(self.rt, campaign_id):
            self.attempt(None, lambda test_id=test_id: end_campaign(self.rt, test_id, utcnow(), self.me.email))  # type: ignore[misc]
        flash("Its tests have ended.", "good")
        return self._to(campaign_id)

    @action("/<int:campaign_id>/unschedule", Role.MANAGER)
    def unschedule(self, campaign_id: int) -> ResponseReturnValue:
        """Cancel its schedule."""
        self.attempt(
            "It does not start by itself any more.", lambda: unschedule_campaign(self.rt, campaign_id, self.me.email)
        )
        return self._to(campaign_id)

    @action("/<int:campaign_id>/ask-meta", Role.MANAGER)
    def ask_meta(self, campaign_id: int) -> ResponseReturnValue:
        """Run the preflight after reading template and number from Meta."""
        self.attempt(
            "Template and number were read from Meta just now.", lambda: fresh_preflight(self.rt, campaign_id, utcnow())
        )
        return self._to(campaign_id)

    @action("/<int:campaign_id>/ends-after", Role.MANAGER)
    def ends_after(self, campaign_id: int) -> ResponseReturnValue:
        """Set after how many days it ends by itself."""
        text = request.form.get("days", "").strip()
        try:
            days = float(text)
        except ValueError:
            flash(f"“{text[:20]}” is no number of days.", "bad")
            return self._to(campaign_id)
        seconds = round(days * 86_400) if 0 < days < 1000 else 0
        self.attempt("Saved.", lambda: change_end(self.rt, campaign_id, seconds, self.me.email))
        return self._to(campaign_id)

    @action("/<int:campaign_id>/duplicate", Role.MANAGER)
    def duplicate(self, campaign_id: int) -> ResponseReturnValue:
        """Duplicate it and open the form of the copy."""
        copy_ids: list[int] = []
        operation = lambda: copy_ids.append(duplicate_campaign(self.rt, campaign_id, self.me.email).id)  # noqa: E731
        if self.attempt("This is the copy.", operation):
            return back(".edit", campaign_id=copy_ids[0])
        return self._to(campaign_id)

    @action("/<int:campaign_id>/delete", Role.MANAGER)
    def delete(self, campaign_id: int) -> ResponseReturnValue:
        """Delete it for good, after a confirmation."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        if not self.is_confirmed():
            text = "It disappears from the panel for good, with its numbers and its export."
            return self.confirm(f"Delete “{facts.campaign.name}”?", text, "Delete", "danger", campaign_id)
        if self.attempt("Deleted.", lambda: delete_campaign(self.rt, campaign_id, self.me.email)):
            return back(".tests" if facts.campaign.kind is CampaignKind.TEST else ".index")
        return self._to(campaign_id)

    @action("/<int:campaign_id>/unsure/leave", Role.MANAGER)
    def leave_unsure(self, campaign_id: int) -> ResponseReturnValue:
        """Leave one unsure message, or all, as they are."""
        ids = self._selected_recipient()
        count = leave_unsure(self.rt, campaign_id, ids, self.me.email)
        flash(f"{count} left as they are.", "good")
        return back(".people", campaign_id=campaign_id, status="unsure")

    @action("/<int:campaign_id>/unsure/again", Role.MANAGER)
    def send_unsure_again(self, campaign_id: int) -> ResponseReturnValue:
        """Queue one unsure message, or all, again, after a confirmation: some recipients may get it twice."""
        ids = self._selected_recipient()
        if not self.is_confirmed():
            return self.confirm("Send these again?", TWICE, "Send again", "danger", campaign_id)

        def resend() -> None:
            count = resend_unsure(self.rt, campaign_id, ids, self.me.email)
            flash(f"{count} queued once more.", "good")

        self.attempt(None, resend)
        live_stats().forget(campaign_id)
        return back(".people", campaign_id=campaign_id, status="unsure")

    @action("/<int:campaign_id>/retry", Role.MANAGER)
    def retry(self, campaign_id: int) -> ResponseReturnValue:
        """Queue once more who failed for a passing reason and whose wait is over."""

        def again() -> None:
            flash(" ".join(try_again(self.rt, campaign_id, self.me.email).sentences()), "good")

        self.attempt(None, again)
        live_stats().forget(campaign_id)
        return self._to(campaign_id)

    @form("/<int:campaign_id>/schedule", Role.MANAGER)
    def schedule(self, campaign_id: int) -> ResponseReturnValue:
        """The form of the schedule: date, time, time zone and pace per hour."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        given = request.form if request.method == "POST" else {}
        errors: dict[str, str] = {}
        if request.method == "POST":
            try:
                at = read_moment(given.get("date", ""), given.get("time", ""), given.get("zone", ""))
                per_hour = read_pace(given.get("per_hour", ""))
                schedule_campaign(self.rt, campaign_id, at, per_hour, self.me.email)
            except OperatorError as error:
                field, text = field_of(str(error))
                errors[field] = text
            else:
                flash("Scheduled.", "good")
                return self._to(campaign_id)
        zone = given.get("zone") or self.rt.settings.time_zone
        page = self.render(
            "panel/schedule.html", facts=facts, campaign=facts.campaign, given=given, errors=errors, zone=zone,
            zones=sorted(available_timezones()), today=f"{utcnow().astimezone(ZoneInfo(self.rt.settings.time_zone)):%Y-%m-%d}",
        )  # fmt: skip
        return page, 400 if errors else 200

    @form("/<int:campaign_id>/test", Role.MANAGER)
    def test(self, campaign_id: int) -> ResponseReturnValue:
        """The form of a test to a few contacts; it is sent on the same path as a real campaign."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        phones = request.form.get("phones", "")
        error = None
        if request.method == "POST":
            test_phones = [
                part.strip() for part in phones.replace(",", "\n").replace(";", "\n").splitlines() if part.strip()
            ]
            try:
                test_id = send_test(self.rt, campaign_id, test_phones, self.me.email)
            except OperatorError as problem:
                error = sentence(str(problem).removeprefix("to: ").removeprefix("to="))
            else:
                flash("This is the test. It is sent like a real one, with every restriction.", "good")
                return self._to(test_id)
        page = self.render("panel/send_test.html", campaign=facts.campaign, phones=phones, error=error)
        return page, 400 if error else 200

    def _selected_recipient(self) -> list[int] | None:
        """The recipient id of the row whose button was pressed, as a list; None for all."""
        text = request.form.get("recipient", "")
        return [int(text)] if text.isascii() and text.isdigit() and len(text) < 19 else None

    def is_confirmed(self) -> bool:
        """Whether the user confirmed, in the dialog or, without JavaScript, on the confirmation page."""
        return request.form.get("confirmed") == "1"

    def confirm(self, title: str, text: str, button: str, tone: str, campaign_id: int) -> str:
        """Render the confirmation page."""
        back_to = url_for(".show", campaign_id=campaign_id)
        return self.render("panel/confirm.html", title=title, text=text, button=button, tone=tone, back=back_to)

    def _to(self, campaign_id: int) -> ResponseReturnValue:
        live_stats().forget(campaign_id)
        return back(".show", campaign_id=campaign_id)


def read_moment(date: str, time: str, zone: str) -> datetime:
    """Parse the three fields of a time. Raises OperatorError, beginning with the field's name, if one is wrong.

    A local time that does not exist, because the clock is put forward, is wrong too.
    """
    if zone not in available_timezones():
        raise OperatorError("zone={zone}: allowed is a time zone such as Europe/Madrid", zone=zone[:40])
    try:
        day = datetime.strptime(date.strip(), "%Y-%m-%d")  # noqa: DTZ007 - its zone is added below
    except ValueError:
        raise OperatorError("date: allowed is a day such as 2026-11-30") from None
    try:
        clock = datetime.strptime(time.strip()[:5], "%H:%M")  # noqa: DTZ007
    except ValueError:
        raise OperatorError("time: allowed is a time such as 09:30") from None
    at = day.replace(hour=clock.hour, minute=clock.minute, tzinfo=ZoneInfo(zone))
    if at.astimezone(ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != at.replace(tzinfo=None):
        raise OperatorError(
            "time: {time} does not exist on that day in {zone}, where the clock is put forward", time=time, zone=zone
        )
    return at


def read_pace(text: str) -> float | None:
    """Parse the contacts per hour; None for an empty field. Raises OperatorError if it is no number."""
    text = text.strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise OperatorError("per-hour={text}: allowed is a number such as 600", text=text[:20]) from None


def field_of(line: str) -> tuple[str, str]:
    """The field of the form that an error is about (empty for none), and its sentence."""
    for name, field in (
        ("per-hour", "per_hour"),
        ("zone", "zone"),
        ("time", "time"),
        ("date", "date"),
        ("at=", "date"),
    ):
        if line.startswith(name):
            text = line.partition(": ")[2] or line
            return field, text[:1].upper() + text[1:]
    return "", line[:1].upper() + line[1:]
