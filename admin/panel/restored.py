"""Shows what is held because the database was put back from a copy."""

from flask.typing import ResponseReturnValue

from admin.operations.restored import CAUSES, read_held, release_database
from admin.panel.base import PanelView, action, back, page
from models.tables.user import Role


class RestoredView(PanelView):
    """The page of a hold. The home page leads to it while there is one."""

    icon = "home"

    def is_visible(self) -> bool:
        """Keep it out of the menu."""
        return False

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The campaigns that wait for a decision, and the answers."""
        held = read_held(self.rt)
        return self.render("panel/restored.html", held=held, cause=CAUSES[held.cause] if held else "")

    @action("/release", Role.MANAGER)
    def release(self) -> ResponseReturnValue:
        """Let answers and timers go on."""
        self.attempt("Answers go on.", lambda: release_database(self.rt, self.me.email))
        return back(".index")
