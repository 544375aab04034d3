"""Builds the bodies of template messages (docs/meta.md §2.3) from a template and one recipient's values, and of chat messages.

A `TemplateBuilder` reads the template once per campaign, so that `build`, once per recipient, does little.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.meta.callback_data import button_payload, callback_data
from bot.meta.file_names import with_file_name
from models.templates.parameters import as_text
from models.templates.placeholder import PLACEHOLDER
from models.templates.url_values import UrlPlace

Values = Mapping[str, Any]
Parameter = dict[str, Any]

MEDIA_FORMATS = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document", "GIF": "gif"}


def variable_names(text: str) -> list[str]:
    """Return the names in `{{…}}`, each once, in order."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


class TemplateBuilder:
    """Builds one campaign's messages.

    `components` are Meta's, `parameter_format` is `NAMED` or `POSITIONAL`. `media` is the campaign's, with uploads resolved:
    `{"header": {"id": …}}` or `{"header": {"link": …}}`.
    """

    def __init__(
        self,
        *,
        name: str,
        language: str,
        components: Sequence[Mapping[str, Any]],
        parameter_format: str,
        media: Mapping[str, Any],
        installation: str,
    ) -> None:
        self._installation = installation
        self._head = {"name": name, "language": {"code": language}}
        self._is_named = parameter_format.upper() == "NAMED"
        self._parts: list[Callable[[Values, int], list[dict[str, Any]]]] = []
        for component in components:
            kind = str(component.get("type", "")).upper()
            if kind == "HEADER":
                self._add_header(component, media.get("header") or {})
            elif kind == "BODY":
                self._add_text("body", variable_names(str(component.get("text", ""))))
            elif kind == "BUTTONS":
                for index, button in enumerate(component.get("buttons") or []):
                    self._add_button(index, button)

    def build(
        self, *, recipient_id: int, attempt: int, phone: str | None, bsuid: str | None, values: Values
    ) -> dict[str, Any]:
        """Return the whole body of the request, addressed to the phone if there is one, as Meta recommends, else to the BSUID.

        `values` has a mapping from variable to value for `header`, `body` and `buttons` (by index as text).
        """
        template: dict[str, Any] = dict(self._head)
        components = [component for part in self._parts for component in part(values, recipient_id)]
        if components:
            template["components"] = components
        return {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **({"to": phone} if phone else {"recipient": bsuid}),
            "type": "template",
            "template": template,
            "biz_opaque_callback_data": callback_data(self._installation, recipient_id, attempt),
        }

    def _add_header(self, component: Mapping[str, Any], medium: Mapping[str, Any]) -> None:
        form = str(component.get("format", "TEXT")).upper()
        if form == "TEXT":
            self._add_text("header", variable_names(str(component.get("text", ""))))
        elif form in MEDIA_FORMATS:
            kind = MEDIA_FORMATS[form]
            allowed = ("id", "link", "filename") if kind == "document" else ("id", "link")
            content = {key: medium[key] for key in allowed if medium.get(key)}
            content = with_file_name(content) if kind == "document" else content
            header = {"type": "header", "parameters": [{"type": kind, kind: content}]}
            self._parts.append(lambda _values, _recipient: [header])
        elif form == "LOCATION":
            header = {"type": "header", "parameters": [{"type": "location", "location": dict(medium)}]}
            self._parts.append(lambda _values, _recipient: [header])

    def _add_text(self, component: str, names: Sequence[str]) -> None:
        if names:
            self._parts.append(lambda values, _recipient: [self._text(component, names, values.get(component) or {})])

    def _text(self, component: str, names: Sequence[str], values: Values) -> dict[str, Any]:
        ordered_names = names if self._is_named else sorted(names, key=int)
        parameters: list[Parameter] = [{"type": "text", "text": as_text(values.get(name))} for name in ordered_names]
        if self._is_named:
            for name, parameter in zip(ordered_names, parameters, strict=True):
                parameter["parameter_name"] = name
        return {"type": component, "parameters": parameters}

    def _add_button(self, index: int, button: Mapping[str, Any]) -> None:
        kind = str(button.get("type", "")).upper()
        if kind == "QUICK_REPLY":
            self._parts.append(
                lambda _values, recipient: [
                    _button(
                        "quick_reply",
                        index,
                        {"type": "payload", "payload": button_payload(self._installation, recipient, index)},
                    )
                ]
            )
        elif kind == "URL" and PLACEHOLDER.search(str(button.get("url", ""))):
            place = UrlPlace.of(str(button["url"]))
            self._add_button_value(index, "url", lambda text: {"type": "text", "text": place.escaped(text)})
        elif kind == "COPY_CODE":
            self._add_button_value(index, "copy_code", lambda text: {"type": "coupon_code", "coupon_code": text})
        elif kind == "OTP":
            self._add_button_value(index, "url", lambda text: {"type": "text", "text": text})

    def _add_button_value(self, index: int, sub_type: str, parameter: Callable[[str], Parameter]) -> None:
        self._parts.append(
            lambda values, _recipient: [
                _button(sub_type, index, parameter(as_text((values.get("buttons") or {}).get(str(index)))))
            ]
        )


def _button(sub_type: str, index: int, parameter: Parameter) -> dict[str, Any]:
    return {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}


def chat_body(
    content: Mapping[str, Any], *, wa_id: str | None, phone: str | None, bsuid: str | None, callback: str
) -> dict[str, Any]:
    """Return `content` with its envelope. The wa_id, under which the person wrote, has priority over the phone.

    Raises ValueError if there is no address.
    """
    address = f"+{wa_id}" if wa_id else phone
    if not address and not bsuid:
        raise ValueError("a message needs a wa_id, a phone or a BSUID to go to")
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"to": address} if address else {"recipient": bsuid}),
        **_with_document_name(content),
        "biz_opaque_callback_data": callback,
    }


def _with_document_name(content: Mapping[str, Any]) -> Mapping[str, Any]:
    document = content.get("document")
    return {**content, "document": with_file_name(document)} if isinstance(document, Mapping) else content
