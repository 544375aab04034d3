"""Creates, edits, deletes and unpauses templates at Meta, uploads their samples, and searches its library (docs/meta.md §5, §6)."""

import json
import re
from typing import Any

from bot.meta.management import TEMPLATE_FIELDS, UPLOAD_TIMEOUT_SECONDS, GraphAdmin, GraphError, _path

EXISTS = 2_388_024
"""Meta's subcode: there is a template of this name in this language already."""
NOT_FOUND = 2_593_002
"""Meta's subcode: there is no such template."""
UPLOAD_TRIES = 3
_UPLOAD_ID = re.compile(r"upload:[!-~]{1,2000}")
_HANDLE = re.compile(r"[!-~]{1,4000}")


class TemplateAdmin(GraphAdmin):
    """Client of what Meta lets be done to templates. Each call raises GraphError if Meta refuses it or does not answer."""

    def template(self, meta_id: str) -> dict[str, Any]:
        """Return one template (`TEMPLATE_FIELDS`)."""
        return self._call("GET", _path(meta_id), params={"fields": TEMPLATE_FIELDS})

    def edit_template(self, meta_id: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change a template; `components` are replaced as a whole. Meta reviews it again."""
        answer = self._call("POST", _path(meta_id), json=changes)
        _confirmed(answer, "the edit")
        return answer

    def delete_template(self, waba_id: str, name: str, meta_ids: list[str] | None = None) -> None:
        """Delete the templates of a name: all languages, or only one or those with these ids."""
        params = {"name": name}
        if meta_ids is not None:
            one = len(meta_ids) == 1
            params = {"hsm_id": meta_ids[0], "name": name} if one else {"hsm_ids": json.dumps(meta_ids)}
        _confirmed(self._call("DELETE", f"{_path(waba_id)}/message_templates", params=params), "the deletion")

    def unpause_template(self, meta_id: str) -> None:
        """Lift a pause that came from pacing. Meta refuses to lift one for low quality, which ends by itself."""
        _confirmed(self._call("POST", f"{_path(meta_id)}/unpause"), "the end of the pause")

    def library(self, **filters: str) -> list[dict[str, Any]]:
        """Search Meta's library: `search`, `topic`, `usecase`, `industry`, `language`, `name`. The first page."""
        params = {name: value for name, value in filters.items() if value}
        items = self._call("GET", "message_template_library", params=params).get("data")
        if not isinstance(items, list):
            raise GraphError("the template library's answer has no list called data")
        return [item for item in items if isinstance(item, dict)]

    def upload_sample(self, app_id: str, file_name: str, mime_type: str, content: bytes) -> str:
        """Upload a file for a template's header and return its handle, which is valid for about a day.

        A connection that is lost on the way is taken up again where it ended.
        """
        params = {"file_name": file_name, "file_length": str(len(content)), "file_type": mime_type}
        upload = self._call("POST", f"{_path(app_id)}/uploads", params=params).get("id")
        if not isinstance(upload, str) or not _UPLOAD_ID.fullmatch(upload):
            raise GraphError("Meta began the upload and gave it no id")
        offset = 0
        for attempt in range(UPLOAD_TRIES):
            try:
                answer = self._send_from(upload, offset, content)
            except GraphError as error:
                if not error.is_transient or attempt == UPLOAD_TRIES - 1:
                    raise
                answer = self._call("GET", upload, headers=self._oauth)
            handle, at = answer.get("h"), answer.get("file_offset")
            if isinstance(handle, str) and _HANDLE.fullmatch(handle):
                return handle
            offset = at if isinstance(at, int) and 0 <= at < len(content) else 0
        raise GraphError("Meta took the file and gave it no handle")

    @property
    def _oauth(self) -> dict[str, str]:
        return {"Authorization": self._client.headers["Authorization"].replace("Bearer", "OAuth", 1)}

    def _send_from(self, upload: str, offset: int, content: bytes) -> dict[str, Any]:
        headers = self._oauth | {"file_offset": str(offset), "Content-Type": "application/octet-stream"}
        return self._call("POST", upload, headers=headers, content=content[offset:], timeout=UPLOAD_TIMEOUT_SECONDS)


def _confirmed(answer: dict[str, Any], what: str) -> None:
    if answer.get("success") is not True:
        raise GraphError("Meta did not confirm {what}", what=what)
