"""Makes the definition in Meta's JSON out of a form's values, and remembers at which field each part of it stands."""

import json
from typing import Any

from admin.panel.template_pages.form_values import FormValues, Values
from models.templates.definition.problems import Problem
from models.templates.definition.text_rules import variables_of

KINDS = (
    ("plain", "Text, with or without a header and buttons"),
    ("carousel", "Carousel: cards with a picture or a video"),
    ("products", "Carousel of products"),
    ("offer", "Limited-time offer"),
    ("catalog", "Catalog"),
    ("mpm", "Several products"),
    ("spm", "One product"),
    ("call", "Ask for the permission to call"),
    ("code", "One-time code (authentication)"),
)
KNOWN = {"name", "language", "category", "parameter_format", "components", "message_send_ttl_seconds"}
SHOP_BUTTONS = {"catalog": "CATALOG", "mpm": "MPM", "spm": "SPM"}
SHOP_LABELS = {"catalog": "View catalog", "mpm": "View items", "spm": "View"}
Json = dict[str, Any]


class FormDefinition:
    """The definition of a form. `json` is Meta's; `field_of` finds the field of a problem."""

    def __init__(self, values: FormValues) -> None:
        self._values = values
        self._fields: dict[str, str] = {"name": "name", "language": "language", "category": "category"}
        self._fields |= {"message_send_ttl_seconds": "ttl", "parameter_format": "parameter_format"}
        self._components: list[Json] = []
        self.json = self._definition()

    def field_of(self, problem: Problem) -> str:
        """The name of the field at which a problem is shown; empty if it belongs to none."""
        path = problem.path
        while path:
            if path in self._fields:
                return self._fields[path]
            path = path[: max(path.rfind("."), path.rfind("["))] if max(path.rfind("."), path.rfind("[")) > 0 else ""
        return ""

    def _definition(self) -> Json:
        values, kind = self._values, self._values.get("kind") or "plain"
        if kind == "code":
            self._code()
        else:
            self._own_words(kind)
        definition = _rest(values.get("rest")) | {
            "name": values.get("name").strip(),
            "language": values.get("language"),
            "category": "AUTHENTICATION" if kind == "code" else values.get("category"),
            "parameter_format": values.get("parameter_format") or "POSITIONAL",
            "components": self._components,
        }
        ttl = values.get("ttl").strip()
        if ttl:
            definition["message_send_ttl_seconds"] = int(ttl) if ttl.lstrip("-").isdecimal() and len(ttl) < 12 else ttl
        return definition

    def _own_words(self, kind: str) -> None:
        values = self._values
        if kind not in {"carousel", "products", "catalog"}:
            self._header("PRODUCT" if kind == "spm" else values.get("header"))
        if kind == "offer":
            offer = {"text": values.get("offer-text").strip(), "has_expiration": bool(values.get("offer-expires"))}
            self._add({"type": "LIMITED_TIME_OFFER", "limited_time_offer": offer}, {"limited_time_offer.text": "offer-text",
                "limited_time_offer": "offer-text"})  # fmt: skip
        body = self._text("BODY", values.get("body"), None)
        self._add(body, {"text": "body", "example": "body", "": "body"})
        if kind in {"carousel", "products"}:
            self._cards()
        if kind not in {"carousel", "products", "offer"} and values.get("footer").strip():
            self._add({"type": "FOOTER", "text": values.get("footer").strip()}, {"": "footer"})
        if kind == "call":
            self._add({"type": "CALL_PERMISSION_REQUEST"}, {})
        if kind in SHOP_BUTTONS:
            self._add(
                {"type": "BUTTONS", "buttons": [{"type": SHOP_BUTTONS[kind], "text": SHOP_LABELS[kind]}]}, {"": "kind"}
            )
        elif kind in {"plain", "offer"} and values.buttons:
            path = f"components[{len(self._components)}].buttons"
            buttons = [self._button(button, f"{path}[{n}]", f"b-{n}") for n, button in enumerate(values.buttons)]
            self._add({"type": "BUTTONS", "buttons": buttons}, {"": "new-button"})

    def _header(self, shape: str) -> None:
        values = self._values
        if not shape:
            return
        header: Json = {"type": "HEADER", "format": shape}
        if shape == "TEXT":
            header["text"] = values.get("header-text").strip()
            names = variables_of(header["text"])
            if names and values.get("header-example").strip():
                header["example"] = self._example("header", {names[0]: values.get("header-example").strip()}, names)
        elif shape not in {"LOCATION", "PRODUCT"} and values.get("header-handle"):
            header["example"] = {"header_handle": [values.get("header-handle")]}
        fields = {
            "": "header",
            "text": "header-text",
            "example.header_handle": "header-file",
            "example": "header-example",
        }
        self._add(header, fields)

    def _text(self, kind: str, text: str, card: int | None) -> Json:
        part: Json = {"type": kind, "text": text.strip()}
        names = variables_of(text)
        samples = {name: self._values.sample(name, card).strip() for name in names}
        if any(samples.values()):
            part["example"] = self._example("body", samples, names)
        return part

    def _example(self, kind: str, samples: Values, names: list[str]) -> Json:
        if self._values.get("parameter_format") == "NAMED":
            named = [{"param_name": name, "example": samples[name]} for name in names if samples[name]]
            return {f"{kind}_text_named_params": named}
        ordered = [samples[name] for name in sorted(names, key=lambda name: (len(name), name))]
        return {f"{kind}_text": [ordered] if kind == "body" else ordered}

    def _cards(self) -> None:
        path = f"components[{len(self._components)}]"
        cards = []
        for place, card in enumerate(self._values.cards):
            at, field = f"{path}.cards[{place}]", f"c-{place}"
            shape = "PRODUCT" if self._values.get("kind") == "products" else card.get("header") or "IMAGE"
            header: Json = {"type": "HEADER", "format": shape}
            if shape != "PRODUCT" and card.get("handle"):
                header["example"] = {"header_handle": [card["handle"]]}
            parts = [header]
            if card.get("body", "").strip():
                parts.append(self._text("BODY", card["body"], place))
            buttons = [
                self._button(button, f"{at}.buttons[{n}]", f"{field}-b-{n}")
                for n, button in enumerate(self._values.card_buttons[place])
            ]
            if buttons:
                parts.append({"type": "BUTTONS", "buttons": buttons})
            cards.append({"components": parts})
            self._fields |= {at: f"{field}-on", f"{at}.header": f"{field}-file", f"{at}.body": f"{field}-body"}
            self._fields[f"{at}.buttons"] = "new-card-button"
        self._add({"type": "CAROUSEL", "cards": cards}, {"": "cards"})

    def _button(self, values: Values, path: str, field: str) -> Json:
        kind = values.get("kind", "")
        button: Json = {"type": kind}
        if values.get("text", "").strip():
            button["text"] = values["text"].strip()
        self._fields |= {path: f"{field}-text", f"{path}.type": f"{field}-text"}
        if kind == "URL":
            button["url"] = values.get("url", "").strip()
            if values.get("example", "").strip() and "{{" in button["url"]:
                button["example"] = [values["example"].strip()]
            self._fields |= {f"{path}.url": f"{field}-url", f"{path}.example": f"{field}-example"}
        elif kind == "PHONE_NUMBER":
            button["phone_number"] = values.get("phone", "").strip()
            self._fields[f"{path}.phone_number"] = f"{field}-phone"
        elif kind == "COPY_CODE":
            button["example"] = values.get("code", "").strip()
            self._fields[path] = self._fields[f"{path}.example"] = f"{field}-code"
        elif kind == "FLOW":
            button |= {"flow_id": values.get("flow", "").strip(), "flow_action": values.get("action") or "navigate"}
            if values.get("screen", "").strip():
                button["navigate_screen"] = values["screen"].strip()
            self._fields[f"{path}.flow_id"] = f"{field}-flow"
        return button

    def _code(self) -> None:
        values = self._values
        self._add({"type": "BODY", "add_security_recommendation": bool(values.get("recommend"))}, {"": "recommend"})
        minutes = values.get("minutes").strip()
        if minutes:
            shown: Any = int(minutes) if minutes.isdecimal() and len(minutes) < 9 else minutes
            self._add({"type": "FOOTER", "code_expiration_minutes": shown}, {"": "minutes"})
        button: Json = {"type": "OTP", "otp_type": values.get("otp-kind") or "COPY_CODE"}
        if values.get("otp-text").strip():
            button["text"] = values.get("otp-text").strip()
        if button["otp_type"] != "COPY_CODE":
            app = {"package_name": values.get("otp-package").strip(), "signature_hash": values.get("otp-hash").strip()}
            button["supported_apps"] = [app]
        if button["otp_type"] == "ZERO_TAP":
            button["zero_tap_terms_accepted"] = bool(values.get("otp-terms"))
        path = f"components[{len(self._components)}].buttons[0]"
        self._fields |= {
            path: "otp-kind", f"{path}.text": "otp-text", f"{path}.supported_apps[0].package_name": "otp-package",
            f"{path}.supported_apps[0].signature_hash": "otp-hash", f"{path}.zero_tap_terms_accepted": "otp-terms",
        }  # fmt: skip
        self._add({"type": "BUTTONS", "buttons": [button]}, {})

    def _add(self, component: Json, fields: Values) -> None:
        path = f"components[{len(self._components)}]"
        for key, name in fields.items():
            self._fields.setdefault(f"{path}.{key}" if key else path, name)
        self._components.append(component)


def _rest(text: str) -> Json:
    """What the definition has besides what the form shows, such as a max price."""
    try:
        rest = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        rest = {}
    return {key: value for key, value in rest.items() if key not in KNOWN} if isinstance(rest, dict) else {}
