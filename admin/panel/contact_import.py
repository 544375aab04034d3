"""Importing a file: first what it would do, row by row where something is wrong, then doing it."""

import re
import shutil
import time
from pathlib import Path, PurePath

from flask import flash, request
from flask.typing import ResponseReturnValue

from admin.panel.base import EXPECTED, PanelView, action, back, form, sentence
from jobs.import_reader import BadFile
from jobs.imports import ImportResult, import_contacts
from models.clock import utcnow
from models.refusal import Refused
from models.secret import new_token
from models.user import Role, record_audit

MOST_BYTES = 60 * 1024 * 1024
MOST_SHOWN = 200
KEPT_SECONDS = 24 * 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,}")
_ODD = re.compile(r"[^\w.() -]")


class ContactImport(PanelView):
    """A file is kept under var/ between the look at it and the import; its name in the page is random."""

    @form("/import", Role.MANAGER)
    def bring(self) -> ResponseReturnValue:
        """Choose a file; sending it shows what it would do and changes nothing."""
        if request.method == "GET":
            return self.render("panel/import.html", result=None, error=None)
        upload = request.files.get("file")
        try:
            if upload is None or not upload.filename:
                raise Refused("Choose a file first.")
            path = self._keep(upload.filename, upload.stream.read(MOST_BYTES + 1))
            try:
                result = import_contacts(self.rt, path, dry_run=True, actor=self.me.email)
            except (*EXPECTED, BadFile):
                shutil.rmtree(path.parent, ignore_errors=True)
                raise
        except (*EXPECTED, BadFile) as error:
            return self.render("panel/import.html", result=None, error=sentence(error)), 400
        return self.render(
            "panel/import.html", result=result, kept=path.parent.name, file_name=path.name, error=None,
            refused=result.refused[:MOST_SHOWN],
        )  # fmt: skip

    @action("/import/go", Role.MANAGER)
    def bring_go(self) -> ResponseReturnValue:
        """Take the good rows of the file that was looked at."""
        token = request.form.get("kept", "")
        taken = self._directory() / f"{token}.taken"
        try:
            if not _TOKEN.fullmatch(token):
                raise FileNotFoundError
            (self._directory() / token).rename(taken)  # a second click finds nothing
            path = next(taken.iterdir())
            result = import_contacts(self.rt, path, actor=self.me.email)
        except (FileNotFoundError, StopIteration):
            flash("The file is not here any more. Choose it again.", "bad")
            return back(".bring")
        except (*EXPECTED, BadFile) as error:
            flash(sentence(error), "bad")
            return back(".bring")
        finally:
            shutil.rmtree(taken, ignore_errors=True)
        with self.rt.database.write() as session:
            counts = {"created": result.created, "updated": result.updated, "refused": result.refused_total}
            record_audit(session, utcnow(), self.me.email, "import", "contacts", path.name[:64], **counts)
        flash(said(result), "good")
        return back(".index")

    def _directory(self) -> Path:
        return self.rt.settings.var_dir / "imports"

    def _keep(self, file_name: str, content: bytes) -> Path:
        name = _ODD.sub("_", PurePath(file_name.replace("\\", "/")).name)[-100:].lstrip(".") or "file"
        if PurePath(name).suffix.lower() not in {".csv", ".xlsx"}:
            raise Refused(f"“{name}”: allowed are CSV and XLSX files.")
        if len(content) > MOST_BYTES:
            raise Refused(
                f"The file is larger than {MOST_BYTES // 1024 // 1024} MB; import it with flask contacts import."
            )
        directory = self._directory()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in directory.iterdir():  # what somebody looked at and never imported
            if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        path = directory / new_token(18) / name
        path.parent.mkdir(mode=0o700)
        path.write_bytes(content)
        return path


def said(result: ImportResult) -> str:
    """What an import did, in one sentence."""
    parts = [f"{result.created} added", f"{result.updated} changed", f"{result.unchanged} as they were"]
    if result.refused_total:
        parts.append(f"{result.refused_total} refused")
    return f"{', '.join(parts)}."
