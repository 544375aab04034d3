"""Imports a file in steps: upload, mapping of the columns, dry run with its rejects, import."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from flask import flash, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.operations.exports.record import record_export
from admin.panel.base import PanelView, action, back, form, page, sentence
from admin.panel.contacts.import_columns import (
    attribute_names,
    column_choices,
    guess_columns,
    read_columns,
    stored_choices,
)
from admin.panel.contacts.import_reading import FileReading, read_file
from jobs.core.conflicts import retry_conflicts
from jobs.imports.consent_words import unknown_consent_words
from jobs.imports.delimiter import DELIMITER_NAMES
from jobs.imports.errors import BadFileError
from jobs.imports.preview import Preview
from jobs.imports.reader import SheetChoices
from jobs.imports.run import choose_reading, start_dry_run, start_import
from jobs.imports.tag_samples import doubtful_cell, tag_readings
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
from models.imports.contact_row import IMPORTABLE
from models.imports.tag_cell import SEPARATORS
from models.tables.tag import ContactList
from models.tables.user import Role

MAX_BYTES = 60 * 1024 * 1024
PREVIEW_ROWS = 4
MAX_NAME = 60
"""Characters of a file name, counted from its end: a file system allows 255 bytes, and a character has up to 4."""
MAX_LISTS = 500
MAX_TAGS_SHOWN = 120
"""Characters."""
ENDINGS = frozenset({".csv", ".tsv", ".txt", ".xlsx"})
"""Excel saves "Unicode text" as .txt."""
COMMANDS = {
    UploadKind.CONTACTS: "flask contacts import",
    UploadKind.ORDERS: "flask orders import",
    UploadKind.LIST: "flask lists add",
}
GONE = "The file is not here any more. Choose it again."
_UNSAFE_CHARACTERS = re.compile(r"[^\w.() -]")


AS_IT_WAS = "as_it_was"


class ContactImport(PanelView):
    """The pages of an import. The file is stored under var/ until its import is over; its name in the URL is random."""

    @form("/import", Role.MANAGER)
    def import_file(self) -> ResponseReturnValue:
        """Upload a file, and choose what it holds."""
        fields = request.form if request.method == "POST" else request.args
        what, list_name = fields.get("what", ""), fields.get("list", "").strip()[:200]
        kind = UploadKind(what) if what in set(UploadKind) else UploadKind.CONTACTS
        error = None
        if request.method == "POST":
            file = request.files.get("file")
            try:
                if file is None or not file.filename:
                    raise OperatorError("Choose a file first.")
                content = file.stream.read(MAX_BYTES + 1)
                return back(".import_columns", token=self._store(file.filename, content, kind, list_name).token)
            except OperatorError as problem:
                error = sentence(problem)
        shown = self.render("panel/import.html", error=error, kind=kind.value, list_name=list_name)
        return shown, 400 if error else 200

    @form("/import/<token>/columns", Role.MANAGER)
    def import_columns(self, token: str) -> ResponseReturnValue:
        """Map the columns; submitting it starts a dry run, which changes nothing."""
        upload = load_upload(self.rt, token)
        if upload is None or upload.stage is UploadStage.DONE or not upload_path(self.rt, upload).exists():
            return self._gone()
        choices = replace(upload.choices, country=self.rt.settings.default_country)
        error = None
        reading = read_file(upload_path(self.rt, upload), PREVIEW_ROWS, choices)
        try:
            if "reread" in request.form:
                wanted = reading.choices_in(request.form)
                read_file(upload_path(self.rt, upload), PREVIEW_ROWS, replace(wanted, country=choices.country))
                choose_reading(self.rt, token, wanted)
                return back(".import_columns", token=token)
        except OperatorError as problem:
            error = sentence(problem)
        if isinstance(reading.beginning, OperatorError):
            question = error or sentence(reading.beginning)
            shown = self.render("panel/import_columns.html", upload=upload, reading=reading, error=question)
            return shown, 400 if request.method == "POST" else 200
        return self._columns(upload, reading, reading.beginning, error)

    def _columns(
        self, upload: ImportFile, reading: FileReading, beginning: Preview, error: str | None
    ) -> ResponseReturnValue:
        kind, token = upload.kind, upload.token
        header, rows = beginning.header.names, beginning.rows
        with self.rt.database.read() as session:
            attributes = attribute_names(session, kind)
            names = select(ContactList.name).where(not_deleted(ContactList)).order_by(ContactList.name)
            lists = list(session.scalars(names.limit(MAX_LISTS))) if kind is UploadKind.LIST else []
        stored_columns = upload.columns
        chosen = (
            stored_choices(kind, header, stored_columns, attributes)
            if stored_columns
            else guess_columns(kind, beginning.header, rows, attributes)
        )
        source, list_name, consents = upload.source, upload.list_name, upload.consents
        separator = request.form.get("tag_separator", upload.tag_separator)
        if request.method == "POST" and error is None:
            chosen = [request.form.get(f"c{place}", "") for place in range(len(header))]
            source, list_name = (request.form.get(name, "").strip() for name in ("source", "list_name"))
            try:
                columns = read_columns(kind, header, chosen, source, attributes)
                if kind is UploadKind.LIST:
                    list_name = read_list_name(list_name)
                consents = self._consents(upload_path(self.rt, upload), columns, reading.as_shown)
                if any(meaning not in {AS_IT_WAS, *IMPORTABLE} for meaning in consents.values()):
                    raise OperatorError("Say what the words of the consent column mean.")
                meanings = {word: "" if meaning == AS_IT_WAS else meaning for word, meaning in consents.items()}
                if separator not in {"", *SEPARATORS}:
                    raise OperatorError("Choose what separates the tags.")
                start_dry_run(self.rt, token, columns, source, list_name, meanings, reading.as_shown, separator)
                return back(".import_status", token=token)
            except OperatorError as problem:
                error = sentence(problem)
        lines = [
            (
                column,
                [row[place] for row in rows if place < len(row) and row[place]],
                column_choices(kind, column, attributes),
            )
            for place, column in enumerate(header)
        ]
        shown = self.render(
            "panel/import_columns.html", upload=upload, lines=lines, chosen=chosen, source=source, list_name=list_name, lists=lists,
            separator=DELIMITER_NAMES.get(beginning.separator or ""), error=error, reading=reading, consents=consents,
            tag_separator=separator, tags=self._tags(upload, header, chosen, reading.as_shown),
        )  # fmt: skip
        return shown, 400 if error else 200

    @page("/import/<token>/", Role.MANAGER)
    def import_status(self, token: str) -> ResponseReturnValue:
        """The progress, and what the import would do or did."""
        upload = load_upload(self.rt, token)
        if upload is None:
            return self._gone()
        if upload.stage is UploadStage.MAPPING:
            return back(".import_columns", token=token)
        return self.render("panel/import_file.html", **self._shown(upload))

    @page("/import/<token>/live", Role.MANAGER)
    def import_live(self, token: str) -> ResponseReturnValue:
        """The progress as a fragment."""
        upload = load_upload(self.rt, token)
        if upload is None:
            return {"parts": {}, "done": True}
        part = render_template("panel/import_part.html", **self._shown(upload))
        return {"parts": {"import": part}, "done": upload.stage not in UNDER_WAY}

    @page("/import/<token>/refused.csv", Role.MANAGER)
    @retry_conflicts
    def import_rejects(self, token: str) -> ResponseReturnValue:
        """Download the refused rows with their lines and reasons."""
        upload, path = load_upload(self.rt, token), load_rejects(self.rt, token)
        if upload is None or path is None:
            return self._gone()
        record_export(self.rt, self.me.email, "refused rows", upload.name[:64])
        name = f"{PurePath(upload.name).stem}-refused.csv"
        return send_file(path.absolute(), mimetype="text/csv", as_attachment=True, download_name=name)

    @action("/import/<token>/go", Role.MANAGER)
    def import_start(self, token: str) -> ResponseReturnValue:
        """Start the import of the file after its dry run."""
        if load_upload(self.rt, token) is None:
            return self._gone()
        self.attempt(None, lambda: start_import(self.rt, token, self.me.email))
        return back(".import_status", token=token)

    def _consents(self, path: Path, columns: Mapping[str, str], choices: SheetChoices) -> dict[str, str]:
        """The operator's answer for each word of the consent column that is none of Hark's; empty without one."""
        column = next((column for column, name in columns.items() if name == "consent"), None)
        words = unknown_consent_words(path, column, choices) if column else []
        answers = dict(zip(request.form.getlist("word"), request.form.getlist("meaning"), strict=False))
        return {word: answers.get(word, "") for word in words}

    def _tags(
        self, upload: ImportFile, header: Sequence[str], chosen: Sequence[str], choices: SheetChoices
    ) -> list[tuple[str, str]]:
        """How the tags of a cell are read by each separator, for a select; empty where only one reading is likely."""
        column = next((name for name, choice in zip(header, chosen, strict=True) if choice == "tags"), None)
        cell = doubtful_cell(upload_path(self.rt, upload), column, choices) if column else None
        readings = tag_readings(cell) if cell else {}
        options = [
            (value, f"{SEPARATORS.get(value, 'as recognised')}: {' · '.join(tags)}") for value, tags in readings.items()
        ]
        return [(value, f"{label[:1].upper()}{label[1:MAX_TAGS_SHOWN]}") for value, label in options]

    def _gone(self) -> ResponseReturnValue:
        flash(GONE, "bad")
        return back(".import_file")

    def _shown(self, upload: ImportFile) -> dict[str, Any]:
        refused_url = url_for(".import_rejects", token=upload.token) if load_rejects(self.rt, upload.token) else None
        return {
            "upload": upload,
            "stage": upload.stage.value,
            "kind": upload.kind.value,
            "is_under_way": upload.stage in UNDER_WAY,
            "refused_url": refused_url,
        }

    def _store(self, file_name: str, content: bytes, kind: UploadKind, list_name: str) -> ImportFile:
        base_name = PurePath(file_name.replace("\\", "/")).name
        name = _UNSAFE_CHARACTERS.sub("_", base_name)[-MAX_NAME:].lstrip(".") or "file"
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
        upload = store_upload(self.rt, name, content, self.me.email, kind, list_name)
        try:
            read_file(
                upload_path(self.rt, upload), PREVIEW_ROWS, SheetChoices(country=self.rt.settings.default_country)
            )
        except BadFileError:
            delete_upload(self.rt, upload.token)
            raise
        return upload
