"""Shows, downloads and replays dead letters: events that could not be processed."""

from contextlib import suppress
from typing import Any

from flask import Response, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError

from admin.operations.dead_letter_text import format_payload
from admin.operations.dead_letters import download_letter, replay_letter
from admin.panel.base import PanelView, action, back, page, positive, sentence
from jobs.ingest.replay_all import Run, begin_replay, read_run
from models.errors import OperatorError
from models.events.dead_letter_search import LetterState, read_letter, search_letters
from models.events.dead_letters import count_waiting
from models.tables.user import Role
from models.tables.webhook_event import to_bytes

MAX_SHOWN = 100 * 1024
STATES = [(state.value, state.value.capitalize()) for state in LetterState]


class DeadLetterView(PanelView):
    """Pages of dead letters, of Meta and of shops."""

    icon = "dead"
    needs = Role.ADMIN

    @page("/", Role.ADMIN)
    def index(self) -> ResponseReturnValue:
        """Dead letters, newest first, a page at a time."""
        q, before = request.args.get("q", "").strip()[:200], positive("before")
        state = next((state for state in LetterState if state.value == request.args.get("state")), None)
        with self.rt.database.read() as session:
            result = search_letters(session, q, state, before or None)
            waiting, _ = count_waiting(session)
        filters: dict[str, Any] = {"q": q or None, "state": state.value if state else None}
        following = url_for(".index", **filters, before=result.next_before_id) if result.next_before_id else None
        first = url_for(".index", **filters) if before else None
        return self.render(
            "panel/dead_letters.html", rows=result.letters, waiting=waiting, following=following, first=first, asked=filters,
            states=STATES, **self._progress(),
        )  # fmt: skip

    @page("/live", Role.ADMIN)
    def live(self) -> ResponseReturnValue:
        """The progress of the replay of all dead letters, as a fragment."""
        shown = self._progress()
        return {
            "parts": {"replay": render_template("panel/dead_letters_part.html", **shown)},
            "done": not shown["goes"],
        }

    @page("/<int:letter_id>/", Role.ADMIN)
    def show(self, letter_id: int) -> ResponseReturnValue:
        """A dead letter with its payload."""
        with self.rt.database.read() as session:
            letter_and_payload = read_letter(session, letter_id)
        if letter_and_payload is None:
            abort(404)
        letter, payload = letter_and_payload
        text, is_whole = format_payload(payload, MAX_SHOWN)
        return self.render(
            "panel/dead_letter.html", letter=letter, text=text, is_whole=is_whole, size=len(to_bytes(payload))
        )

    @page("/<int:letter_id>/payload.bin", Role.ADMIN)
    def payload(self, letter_id: int) -> ResponseReturnValue:
        """Download the payload as received, as a binary file that no browser interprets."""
        try:
            raw = download_letter(self.rt, letter_id, self.me.email)
        except OperatorError:
            abort(404)
        disposition = f'attachment; filename="dead-letter-{letter_id}.bin"'
        return Response(raw, mimetype="application/octet-stream", headers={"Content-Disposition": disposition})

    @action("/replay", Role.ADMIN)
    def replay_all(self) -> ResponseReturnValue:
        """Have a worker replay every dead letter that waits."""
        self.attempt(None, lambda: begin_replay(self.rt, self.me.email))
        return back(".index")

    @action("/<int:letter_id>/replay", Role.ADMIN)
    def replay_one(self, letter_id: int) -> ResponseReturnValue:
        """Replay one dead letter now."""
        try:
            counts = replay_letter(self.rt, letter_id, self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".index")
        flash("It was applied." if counts.applied else "It failed again.", "good" if counts.applied else "warn")
        return back(".show", letter_id=letter_id) if request.form.get("from") == "letter" else back(".index")

    def _progress(self) -> dict[str, Any]:
        run: Run | None = None
        with suppress(RedisError):  # the home page says that it is away
            run = read_run(self.rt)
        return {"run": run, "goes": run is not None and not run.is_over}
