"""Shows error pages with one plain sentence instead of a traceback."""

from flask import Flask, g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound

from admin.auth.web_security import current_user, is_panel
from models.db.out_of_range import is_out_of_range

_ERROR_TEXTS = {
    400: ("That did not work", "The request was not complete. Go back, reload the page and try again."),
    403: ("Not for you", "Your role does not allow this. Ask an administrator if you need it."),
    404: ("Nothing here", "There is no such page, or what it showed was deleted."),
    405: ("That did not work", "This address cannot be opened like that. Go back and use the page's own buttons."),
    413: ("Too large", "The upload is larger than anything that WhatsApp takes."),
    500: (
        "Something broke",
        "This is our fault and was written to the log. Nothing was half-done; try again in a moment.",
    ),
    503: ("Not just now", "A part that is needed cannot be reached. Try again in a moment."),
}


def init_app(app: Flask) -> None:
    """Register error pages for /admin; other paths keep their plain answers."""
    for code in _ERROR_TEXTS:
        app.register_error_handler(code, _show)
    app.register_error_handler(OverflowError, _show_out_of_range)
    app.register_error_handler(DataError, _show_out_of_range)


def _show_out_of_range(error: Exception) -> ResponseReturnValue:
    """An id that no column can hold belongs to nothing. Any other error of these classes is a bug, and stays one."""
    if not is_out_of_range(error):
        raise error
    return _show(NotFound())


def _show(error: Exception) -> ResponseReturnValue:
    http_error = error if isinstance(error, HTTPException) else InternalServerError()
    code = http_error.code or 500
    if not is_panel():
        return http_error.get_response()
    title, text = _ERROR_TEXTS[code]
    text = g.get("why") or text
    someone = None if code >= 500 else current_user()  # after a 500 the database may be the reason
    return render_template("panel/error.html", code=code, title=title, text=text, someone=someone), code
