"""What a browser sends of a page's form, as it stands there."""

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._action, self._is_inside = action, False
        self._select: str | None = None
        self._first: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = (given.get("action") or "").endswith(self._action)
        if not self._is_inside:
            return
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") not in {"file", "submit"}:
            if given.get("type") not in {"checkbox", "radio"} or "checked" in given:
                self._add(name, given.get("value", "on" if given.get("type") == "checkbox" else ""))
        elif tag == "select":
            self._select, self._first = name, None
        elif tag == "option" and self._select:
            if "selected" in given:
                self._add(self._select, given["value"])
                self._select = None
            elif self._first is None:
                self._first = given.get("value", "")
        elif tag == "textarea" and name:
            self._area = name
            self._add(name, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select and self._is_inside:
            self._add(self._select, self._first or "")
        if tag == "select":
            self._select = None
        if tag == "textarea":
            self._area = None
        if tag == "form":
            self._is_inside = False

    def handle_data(self, data: str) -> None:
        if self._area and self._is_inside:
            self.values[self._area][-1] += data.removeprefix("\n")

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)


def form_values(page: str, action: str) -> dict[str, list[str]]:
    """The fields of the form with this action, without its token: name → values."""
    fields = _Fields(action)
    fields.feed(page)
    fields.values.pop("csrf_token", None)
    return fields.values
