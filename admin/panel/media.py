"""Shows the media library, adds and removes files, and serves their contents to people who are signed in."""

from collections.abc import Callable
from functools import partial

from flask import Response, abort, flash, jsonify, request, send_file, url_for
from flask.typing import ResponseReturnValue

from admin.operations.media import ListedMedia, handles_of, list_media, load_media
from admin.panel.base import PanelView, action, back, page, positive, sentence
from jobs.media.cleanup import remove_media
from jobs.media.download import add_from_url
from jobs.media.incoming import chunks_of
from jobs.media.library import add_media
from jobs.media.store import MediaStoreError, MissingContentError, media_store
from jobs.media.thumbnails import thumbnail_of
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.media import MediaFile, MediaKind
from models.tables.user import Role

PAGE_FILES = 24
MAX_FILES = 20
_CONTENT_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
"""A content that is opened by itself can do nothing, whatever is in it."""


class MediaView(PanelView):
    """The pages of the media library."""

    icon = "media"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The files, the newest first, by name and kind."""
        search, before = request.args.get("q", "").strip()[:100], positive("before")
        kind = next((kind for kind in MediaKind if kind.value == request.args.get("kind")), None)
        listed = list_media(self.rt, search=search, kind=kind, before=before or None, limit=PAGE_FILES + 1)
        shown = listed[:PAGE_FILES]
        return self.render(
            "panel/media.html",
            listed=shown,
            search=search,
            kind=kind.value if kind else "",
            following=shown[-1].file.id if len(listed) > PAGE_FILES else None,
            before=before,
        )

    @action("/upload", Role.MANAGER)
    def upload(self) -> ResponseReturnValue:
        """Add the files of the form. A script that shows the progress gets JSON with the page to open."""
        uploads = [upload for upload in request.files.getlist("files") if upload.filename]
        if not uploads:
            flash("Choose a file first.", "bad")
        if len(uploads) > MAX_FILES:
            flash(f"At most {MAX_FILES} files at once; the others were left out.", "warn")
        for upload in uploads[:MAX_FILES]:
            self._add(
                partial(add_media, self.rt, str(upload.filename), chunks_of(upload.stream), self.me.email, utcnow())
            )
        if request.headers.get("X-Upload"):
            return jsonify(next=url_for(".index"))
        return back(".index")

    @action("/add-url", Role.MANAGER)
    def add_url(self) -> ResponseReturnValue:
        """Add what an https address answers with."""
        url = request.form.get("url", "").strip()
        self._add(lambda: add_from_url(self.rt, url, self.me.email, utcnow()))
        return back(".index")

    @page("/<int:media_id>")
    def show(self, media_id: int) -> ResponseReturnValue:
        """One file: how it looks, where it is used, for which numbers it is at Meta."""
        listed = self._load(media_id)
        return self.render("panel/media_file.html", it=listed, handles=handles_of(self.rt, listed.file.sha256))

    @page("/<int:media_id>/thumbnail")
    def thumbnail(self, media_id: int) -> ResponseReturnValue:
        """A picture's thumbnail; 404 where there is none."""
        row = self._load(media_id).file
        try:
            path = thumbnail_of(self.rt.settings, row)
        except (MediaStoreError, MissingContentError):
            path = None
        if path is None:
            abort(404)
        return _guarded(send_file(path.absolute(), mimetype="image/jpeg", etag=row.sha256, conditional=True))

    @page("/<int:media_id>/file")
    def content(self, media_id: int) -> ResponseReturnValue:
        """The content, under the type that it was found to have; a document is downloaded."""
        row = self._load(media_id).file
        try:
            file = media_store(self.rt.settings).fetch(row.storage_key)
        except (MediaStoreError, MissingContentError) as error:
            flash(f"{row.name}: {sentence(error)}", "bad")
            return back(".show", media_id=media_id)
        answer = send_file(
            file,
            mimetype=row.mime_type,
            as_attachment=row.kind is MediaKind.DOCUMENT,
            download_name=row.name,
            etag=row.sha256,
            conditional=False,
        )
        answer.content_length = row.size_bytes
        answer.make_conditional(request, accept_ranges=True, complete_length=row.size_bytes)
        return _guarded(answer)

    @action("/<int:media_id>/remove", Role.MANAGER)
    def remove(self, media_id: int) -> ResponseReturnValue:
        """Take a file out of the library, unless something needs it."""
        removed: list[MediaFile] = []
        is_done = self.attempt(
            None, lambda: removed.append(remove_media(self.rt, str(media_id), self.me.email, utcnow()))
        )
        if not is_done:
            return back(".show", media_id=media_id) if load_media(self.rt, media_id) else back(".index")
        flash(f"{removed[0].name} is removed. Its content is deleted in a day.", "good")
        return back(".index")

    def _add(self, operation: Callable[[], MediaFile]) -> None:
        try:
            row = operation()
        except OperatorError as error:
            flash(sentence(error), "bad")
        else:
            flash(f"{row.name} is in the library.", "good")

    def _load(self, media_id: int) -> ListedMedia:
        listed = load_media(self.rt, media_id)
        if listed is None:
            abort(404)
        return listed


def _guarded(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = _CONTENT_POLICY
    answer.headers["Cache-Control"] = "private, no-cache"  # the browser asks again, and whoever signed out gets nothing
    return answer
