"""Dead letters: events that could not be processed, found, looked at and tried again."""

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
    """Events of Meta's and of shops that could not be processed."""

    icon = "dead"
    needs = Role.ADMIN

    @page("/", Role.ADMIN)
    def index(self) -> ResponseReturnValue:
        """Newest first, by key."""
        q, before = request.args.get("q", "").strip()[:200], positive("before")
        state = next((one for one in LetterState if one.value == request.args.get("state")), None)
        with self.rt.database.read() as session:
            found = search_letters(session, q, state, before or None)
            waiting, _ = count_waiting(session)
        asked: dict[str, Any] = {"q": q or None, "state": state.value if state else None}
        following = url_for(".index", **asked, before=found.next_before_id) if found.next_before_id else None
        first = url_for(".index", **asked) if before else None
        return self.render(
            "panel/dead_letters.html", rows=found.letters, waiting=waiting, following=following, first=first, asked=asked,
            states=STATES, **self._progress(),
        )  # fmt: skip

    @page("/live", Role.ADMIN)
    def live(self) -> ResponseReturnValue:
        """How far a replay of all is, as a fragment."""
        shown = self._progress()
        return {
            "parts": {"replay": render_template("panel/dead_letters_part.html", **shown)},
            "done": not shown["goes"],
        }

    @page("/<int:letter_id>/", Role.ADMIN)
    def show(self, letter_id: int) -> ResponseReturnValue:
        """One, with its payload."""
        with self.rt.database.read() as session:
            found = read_letter(session, letter_id)
        if found is None:
            abort(404)
        letter, payload = found
        text, is_whole = format_payload(payload, MAX_SHOWN)
        return self.render(
            "panel/dead_letter.html", letter=letter, text=text, is_whole=is_whole, size=len(to_bytes(payload))
        )

    @page("/<int:letter_id>/payload.bin", Role.ADMIN)
    def payload(self, letter_id: int) -> ResponseReturnValue:
        """The payload as it came, as a file: a browser is given nothing to interpret."""
        try:
            raw = download_letter(self.rt, letter_id, self.me.email)
        except OperatorError:
            abort(404)
        disposition = f'attachment; filename="dead-letter-{letter_id}.bin"'
        return Response(raw, mimetype="application/octet-stream", headers={"Content-Disposition": disposition})

    @action("/replay", Role.ADMIN)
    def replay_all(self) -> ResponseReturnValue:
        """Everything that waits, by a worker."""
        self.attempt(None, lambda: begin_replay(self.rt, self.me.email))
        return back(".index")

    @action("/<int:letter_id>/replay", Role.ADMIN)
    def replay_one(self, letter_id: int) -> ResponseReturnValue:
        """One, at once."""
        try:
            done = replay_letter(self.rt, letter_id, self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".index")
        flash("It was applied." if done.applied else "It failed again.", "good" if done.applied else "warn")
        return back(".show", letter_id=letter_id) if request.form.get("from") == "letter" else back(".index")

    def _progress(self) -> dict[str, Any]:
        run: Run | None = None
        with suppress(RedisError):  # the home page says that it is away
            run = read_run(self.rt)
        return {"run": run, "goes": run is not None and not run.is_over}
