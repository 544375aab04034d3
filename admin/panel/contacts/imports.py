"""Importing a file: what its columns are, then what it would do, row by row where something is wrong, then doing it."""

import re
from pathlib import PurePath
from typing import Any

from flask import flash, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.panel.base import PanelView, action, back, form, page, sentence
from admin.panel.contacts.import_columns import attribute_names, choices_of, chosen_of, guess, read_columns
from jobs.imports.contacts import preview
from jobs.imports.delimiter import DELIMITER_NAMES
from jobs.imports.reader import BadFileError
from jobs.imports.run import start_dry_run, start_import
from jobs.imports.uploads import (
    UNDER_WAY,
    ImportFile,
    UploadKind,
    UploadStage,
    delete_upload,
    load_rejects,
    load_upload,
    store_upload,
    upload_path,
)
from models.contacts.tagging import not_deleted, read_list_name
from models.errors import OperatorError
from models.tables.tag import ContactList
from models.tables.user import Role

MAX_BYTES = 60 * 1024 * 1024
PREVIEW_ROWS = 4
MAX_NAME = 60
"""Characters of a file's name, its end: a disk takes 255 bytes, and a character has up to 4."""
MAX_LISTS = 500
ENDINGS = frozenset({".csv", ".tsv", ".txt", ".xlsx"})
"""Excel calls its own "Unicode text" .txt."""
COMMANDS = {
    UploadKind.CONTACTS: "flask contacts import",
    UploadKind.ORDERS: "flask orders import",
    UploadKind.LIST: "flask lists add",
}
GONE = "The file is not here any more. Choose it again."
_ODD = re.compile(r"[^\w.() -]")


class ContactImport(PanelView):
    """A file is kept under var/ from the upload to the end of its import; its name in the address is random."""

    @form("/import", Role.MANAGER)
    def bring(self) -> ResponseReturnValue:
        """Choose a file, and say what is in it."""
        given = request.form if request.method == "POST" else request.args
        what, list_name = given.get("what", ""), given.get("list", "").strip()[:200]
        kind = UploadKind(what) if what in set(UploadKind) else UploadKind.CONTACTS
        error = None
        if request.method == "POST":
            upload = request.files.get("file")
            try:
                if upload is None or not upload.filename:
                    raise OperatorError("Choose a file first.")
                content = upload.stream.read(MAX_BYTES + 1)
                return back(".bring_columns", token=self._keep(upload.filename, content, kind, list_name).token)
            except OperatorError as problem:
                error = sentence(problem)
        shown = self.render("panel/import.html", error=error, kind=kind.value, list_name=list_name)
        return shown, 400 if error else 200

    @form("/import/<token>/columns", Role.MANAGER)
    def bring_columns(self, token: str) -> ResponseReturnValue:
        """Say what each column is; sending it has a worker look what that would do, which changes nothing."""
        kept = load_upload(self.rt, token)
        if kept is None or kept.stage is UploadStage.DONE or not upload_path(self.rt, kept).exists():
            return self._gone()
        kind = kept.kind
        header, rows, separator = preview(upload_path(self.rt, kept), PREVIEW_ROWS)
        with self.rt.database.read() as session:
            attributes = attribute_names(session, kind)
            names = select(ContactList.name).where(not_deleted(ContactList)).order_by(ContactList.name)
            lists = list(session.scalars(names.limit(MAX_LISTS))) if kind is UploadKind.LIST else []
        known = kept.columns
        chosen = chosen_of(kind, header, known, attributes) if known else guess(kind, header, rows, attributes)
        source, list_name, error = kept.source, kept.list_name, None
        if request.method == "POST":
            chosen = [request.form.get(f"c{place}", "") for place in range(len(header))]
            source, list_name = (request.form.get(name, "").strip() for name in ("source", "list_name"))
            try:
                columns = read_columns(kind, header, chosen, source, attributes)
                if kind is UploadKind.LIST:
                    list_name = read_list_name(list_name)
                start_dry_run(self.rt, token, columns, source, list_name)
                return back(".bring_show", token=token)
            except OperatorError as problem:
                error = sentence(problem)
        lines = [
            (
                column,
                [row[place] for row in rows if place < len(row) and row[place]],
                choices_of(kind, column, attributes),
            )
            for place, column in enumerate(header)
        ]
        shown = self.render(
            "panel/import_columns.html", kept=kept, lines=lines, chosen=chosen, source=source, list_name=list_name, lists=lists,
            separator=DELIMITER_NAMES.get(separator or ""), error=error,
        )  # fmt: skip
        return shown, 400 if error else 200

    @page("/import/<token>/", Role.MANAGER)
    def bring_show(self, token: str) -> ResponseReturnValue:
        """How far it is, and what it would do or did."""
        kept = load_upload(self.rt, token)
        if kept is None:
            return self._gone()
        if kept.stage is UploadStage.MAPPING:
            return back(".bring_columns", token=token)
        return self.render("panel/import_file.html", **self._shown(kept))

    @page("/import/<token>/live", Role.MANAGER)
    def bring_live(self, token: str) -> ResponseReturnValue:
        """The same as a fragment."""
        kept = load_upload(self.rt, token)
        if kept is None:
            return {"parts": {}, "done": True}
        part = render_template("panel/import_part.html", **self._shown(kept))
        return {"parts": {"import": part}, "done": kept.stage not in UNDER_WAY}

    @page("/import/<token>/refused.csv", Role.MANAGER)
    def bring_refused(self, token: str) -> ResponseReturnValue:
        """The refused rows as they came, with their lines and reasons."""
        kept, path = load_upload(self.rt, token), load_rejects(self.rt, token)
        if kept is None or path is None:
            return self._gone()
        name = f"{PurePath(kept.name).stem}-refused.csv"
        return send_file(path.absolute(), mimetype="text/csv", as_attachment=True, download_name=name)

    @action("/import/<token>/go", Role.MANAGER)
    def bring_go(self, token: str) -> ResponseReturnValue:
        """Have a worker take the good rows of the file that was looked at."""
        if load_upload(self.rt, token) is None:
            return self._gone()
        self.attempt(None, lambda: start_import(self.rt, token, self.me.email))
        return back(".bring_show", token=token)

    def _gone(self) -> ResponseReturnValue:
        flash(GONE, "bad")
        return back(".bring")

    def _shown(self, kept: ImportFile) -> dict[str, Any]:
        refused_url = url_for(".bring_refused", token=kept.token) if load_rejects(self.rt, kept.token) else None
        return {
            "kept": kept,
            "stage": kept.stage.value,
            "kind": kept.kind.value,
            "is_under_way": kept.stage in UNDER_WAY,
            "refused_url": refused_url,
        }

    def _keep(self, file_name: str, content: bytes, kind: UploadKind, list_name: str) -> ImportFile:
        name = _ODD.sub("_", PurePath(file_name.replace("\\", "/")).name)[-MAX_NAME:].lstrip(".") or "file"
        ending = PurePath(name).suffix.lower()
        if ending not in ENDINGS:
            raise OperatorError("“{name}”: allowed are CSV files (.csv, .tsv, .txt) and XLSX files.", name=name)
        if len(content) > MAX_BYTES:
            raise OperatorError(
                "The file is larger than {max_bytes} MB; bring it with {commands}.",
                max_bytes=MAX_BYTES // 1024 // 1024,
                commands=COMMANDS[kind],
            )
        if ending == ".xlsx" and not content.startswith(b"PK"):
            raise OperatorError("“{name}” is no readable XLSX file.", name=name)
        kept = store_upload(self.rt, name, content, self.me.email, kind, list_name)
        try:
            preview(upload_path(self.rt, kept), PREVIEW_ROWS)
        except BadFileError:
            delete_upload(self.rt, kept.token)
            raise
        return kept
