"""The buttons of a template or of a carousel's card, a class for each kind (docs/meta.md §5.6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from models.templates.definition.examples import flat_texts
from models.templates.definition.part import Part, present
from models.templates.definition.reader import Reader

FLOW_ACTIONS = ("NAVIGATE", "DATA_EXCHANGE")
FLOW_ICONS = ("DEFAULT", "DOCUMENT", "PROMOTION", "REVIEW")
OTP_TYPES = ("COPY_CODE", "ONE_TAP", "ZERO_TAP")


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonDefinition(Part):
    """What all buttons have. `text` is the label, None where Meta's own label stands."""

    kind: ClassVar[str]
    text: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Meta's button."""
        return {**self.extra, "type": self.kind, **present(text=self.text or None), **self._fields()}

    def _fields(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply(ButtonDefinition):
    """A tap sends the label back as a message."""

    kind = "QUICK_REPLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlButton(ButtonDefinition):
    """Opens a web page. `url` may end with a variable, of which `example` is a sample: the end, or the whole address."""

    kind = "URL"
    url: str
    example: str | None = None

    def _fields(self) -> dict[str, Any]:
        return present(url=self.url, example=[self.example] if self.example else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneButton(ButtonDefinition):
    """Calls a phone number."""

    kind = "PHONE_NUMBER"
    phone_number: str

    def _fields(self) -> dict[str, Any]:
        return {"phone_number": self.phone_number}


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyCodeButton(ButtonDefinition):
    """Copies a coupon code, of which `example` is a sample. The label is Meta's."""

    kind = "COPY_CODE"
    example: str | None = None

    def _fields(self) -> dict[str, Any]:
        return present(example=self.example)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowButton(ButtonDefinition):
    """Opens a form of WhatsApp Flows, named by one of its id, its name and its JSON."""

    kind = "FLOW"
    flow_id: str | None = None
    flow_name: str | None = None
    flow_json: str | None = None
    flow_action: str | None = None
    navigate_screen: str | None = None
    icon: str | None = None

    def _fields(self) -> dict[str, Any]:
        action = self.flow_action.lower() if self.flow_action else None
        return present(
            flow_id=self.flow_id, flow_name=self.flow_name, flow_json=self.flow_json, flow_action=action,
            navigate_screen=self.navigate_screen, icon=self.icon,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogButton(ButtonDefinition):
    """Opens the catalog."""

    kind = "CATALOG"


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiProductButton(ButtonDefinition):
    """Opens a list of products in sections."""

    kind = "MPM"


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleProductButton(ButtonDefinition):
    """Opens the product of the header."""

    kind = "SPM"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportedApp(Part):
    """An Android app that takes a one-time code by itself."""

    package_name: str
    signature_hash: str

    def to_json(self) -> dict[str, Any]:
        """Meta's object."""
        return {**self.extra, "package_name": self.package_name, "signature_hash": self.signature_hash}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeCodeButton(ButtonDefinition):
    """Takes over the one-time code of an authentication template."""

    kind = "OTP"
    otp_type: str | None = None
    supported_apps: tuple[SupportedApp, ...] = ()
    zero_tap_terms_accepted: bool | None = None

    def _fields(self) -> dict[str, Any]:
        apps = [app.to_json() for app in self.supported_apps] or None
        return present(
            otp_type=self.otp_type, supported_apps=apps, zero_tap_terms_accepted=self.zero_tap_terms_accepted
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceCallButton(ButtonDefinition):
    """Calls the business on WhatsApp."""

    kind = "VOICE_CALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactInfoButton(ButtonDefinition):
    """Asks for the person's phone number. The label is Meta's."""

    kind = "REQUEST_CONTACT_INFO"


def _url(button: Reader, text: str | None) -> UrlButton:
    url = button.required_text("url")
    examples = flat_texts(button, "example")
    return UrlButton(
        text=text, url=url, example=examples[0] if examples else None, path=button.path, extra=button.extra
    )


def _copy_code(button: Reader, text: str | None) -> CopyCodeButton:
    examples = flat_texts(button, "example")
    return CopyCodeButton(text=text, example=examples[0] if examples else None, path=button.path, extra=button.extra)


def _phone(button: Reader, text: str | None) -> PhoneButton:
    number = button.required_text("phone_number")
    return PhoneButton(text=text, phone_number=number, path=button.path, extra=button.extra)


def _flow(button: Reader, text: str | None) -> FlowButton:
    identifier = button.raw("flow_id")
    if identifier is not None and (isinstance(identifier, bool) or not isinstance(identifier, str | int)):
        button.problems.add(button.place("flow_id"), "must be the id of a flow, as text")
        identifier = None
    action = button.word("flow_action", FLOW_ACTIONS) if button.has("flow_action") else None
    icon = button.word("icon", FLOW_ICONS) if button.has("icon") else None
    name, content, screen = (button.text(key) or None for key in ("flow_name", "flow_json", "navigate_screen"))
    return FlowButton(
        text=text, flow_id=str(identifier) if identifier not in {None, ""} else None, flow_name=name, flow_json=content,
        flow_action=action, navigate_screen=screen, icon=icon, path=button.path, extra=_without(button, "flow_action", "icon"),
    )  # fmt: skip


def _one_time_code(button: Reader, text: str | None) -> OneTimeCodeButton:
    kind = button.word("otp_type", OTP_TYPES)
    apps = tuple(
        SupportedApp(
            package_name=app.required_text("package_name"), signature_hash=app.required_text("signature_hash"),
            path=app.path, extra=app.extra,
        )
        for app in button.items("supported_apps")
    )  # fmt: skip
    accepted = button.flag("zero_tap_terms_accepted")
    return OneTimeCodeButton(
        text=text, otp_type=kind, supported_apps=apps, zero_tap_terms_accepted=accepted, path=button.path,
        extra=button.extra,
    )  # fmt: skip


def _plain(kind: type[ButtonDefinition]) -> Callable[[Reader, str | None], ButtonDefinition]:
    return lambda button, text: kind(text=text, path=button.path, extra=button.extra)


def _without(button: Reader, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in button.extra.items() if key not in keys}


_READERS: dict[str, Callable[[Reader, str | None], ButtonDefinition]] = {
    "QUICK_REPLY": _plain(QuickReply),
    "URL": _url,
    "PHONE_NUMBER": _phone,
    "COPY_CODE": _copy_code,
    "FLOW": _flow,
    "CATALOG": _plain(CatalogButton),
    "MPM": _plain(MultiProductButton),
    "SPM": _plain(SingleProductButton),
    "OTP": _one_time_code,
    "VOICE_CALL": _plain(VoiceCallButton),
    "REQUEST_CONTACT_INFO": _plain(ContactInfoButton),
}
BUTTON_KINDS = tuple(_READERS)


def read_buttons(part: Reader) -> tuple[ButtonDefinition, ...]:
    """Read the buttons of a `BUTTONS` component; those of no kind of Meta's are problems and left out."""
    buttons = []
    for button in part.items("buttons"):
        kind = button.word("type", BUTTON_KINDS)
        text = button.text("text")
        if kind is not None:
            buttons.append(_READERS[kind](button, text.strip() or None))
    return tuple(buttons)
