"""Fills the form from a definition, to edit it."""

import json
from typing import Any

from admin.panel.template_pages.form_definition import KNOWN
from admin.panel.template_pages.form_values import FormValues, Values
from models.templates.definition.buttons import (
    ButtonDefinition,
    CopyCodeButton,
    FlowButton,
    OneTimeCodeButton,
    PhoneButton,
    UrlButton,
)
from models.templates.definition.headers import Header, MediaHeader, TextHeader
from models.templates.definition.parse import check_template_json
from models.templates.definition.template import TemplateDefinition
from models.templates.definition.text_rules import variables_of
from models.templates.definition.texts import AuthenticationBody, AuthenticationFooter, Body, Footer

_SHOPS = {"CATALOG": "catalog", "MPM": "mpm", "SPM": "spm"}


def values_of(data: Any) -> FormValues:
    """The form of a definition's JSON; an empty form if it cannot be read."""
    template = check_template_json(data).definition
    if template is None:
        return FormValues()
    rest = {key: value for key, value in template.to_json().items() if key not in KNOWN}
    values = FormValues(
        {
            "kind": _kind(template),
            "name": template.name,
            "language": template.language,
            "category": template.category or "MARKETING",
            "parameter_format": template.parameter_format,
            "ttl": str(template.send_ttl_seconds) if template.send_ttl_seconds is not None else "",
            "rest": json.dumps(rest) if rest else "",
        }
    )
    _put_header(values, template.header)
    if isinstance(template.body, Body):
        values.plain["body"] = template.body.text
        _put_samples(values, template.body, "sample-")
    if isinstance(template.footer, Footer):
        values.plain["footer"] = template.footer.text
    if template.offer is not None:
        values.plain |= {
            "offer-text": template.offer.text,
            "offer-expires": "1" if template.offer.has_expiration else "",
        }
    _put_code(values, template)
    if values.get("kind") in {"plain", "offer"}:
        values.buttons = [_button(button) for button in template.buttons]
    for place, card in enumerate(template.carousel.cards if template.carousel else ()):
        shape = card.header.format if isinstance(card.header, MediaHeader) else "PRODUCT"
        handle = card.header.handle if isinstance(card.header, MediaHeader) else ""
        values.cards.append({"header": shape, "handle": handle or "", "body": card.body.text if card.body else ""})
        values.card_buttons.append([_button(button) for button in card.buttons])
        if card.body is not None:
            _put_samples(values, card.body, f"c-{place}-sample-")
    return values


def _kind(template: TemplateDefinition) -> str:
    if template.carousel is not None:
        return "products" if template.carousel.has_products else "carousel"
    if template.category == "AUTHENTICATION":
        return "code"
    if template.offer is not None:
        return "offer"
    if template.asks_for_calls:
        return "call"
    return next((_SHOPS[button.kind] for button in template.buttons if button.kind in _SHOPS), "plain")


def _put_header(values: FormValues, header: Header | None) -> None:
    if header is None:
        return
    values.plain["header"] = str(header.to_json()["format"])
    if isinstance(header, TextHeader):
        names = variables_of(header.text)
        values.plain |= {"header-text": header.text, "header-example": header.example.of(names[0]) if names else ""}
    elif isinstance(header, MediaHeader):
        values.plain["header-handle"] = header.handle or ""


def _put_samples(values: FormValues, body: Body, prefix: str) -> None:
    values.samples |= {f"{prefix}{name}": body.example.of(name) for name in variables_of(body.text)}


def _put_code(values: FormValues, template: TemplateDefinition) -> None:
    if isinstance(template.body, AuthenticationBody):
        values.plain["recommend"] = "1" if template.body.add_security_recommendation else ""
    if isinstance(template.footer, AuthenticationFooter):
        minutes = template.footer.code_expiration_minutes
        values.plain["minutes"] = str(minutes) if minutes is not None else ""
    button = next((button for button in template.buttons if isinstance(button, OneTimeCodeButton)), None)
    if button is None:
        return
    values.plain |= {"otp-kind": button.otp_type or "COPY_CODE", "otp-text": button.text or ""}
    values.plain["otp-terms"] = "1" if button.zero_tap_terms_accepted else ""
    for app in button.supported_apps[:1]:
        values.plain |= {"otp-package": app.package_name, "otp-hash": app.signature_hash}


def _button(button: ButtonDefinition) -> Values:
    values = {"kind": button.kind, "text": button.text or ""}
    if isinstance(button, UrlButton):
        values |= {"url": button.url, "example": button.example or ""}
    elif isinstance(button, PhoneButton):
        values["phone"] = button.phone_number
    elif isinstance(button, CopyCodeButton):
        values["code"] = button.example or ""
    elif isinstance(button, FlowButton):
        values |= {"flow": button.flow_id or "", "screen": button.navigate_screen or ""}
        values["action"] = (button.flow_action or "navigate").lower()
    return values
