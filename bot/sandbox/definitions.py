"""Checks the definition of a template as Meta does when it is created or edited (docs/meta.md §2.5, §5.2, §5.6).

Every refusal is code 100; the subcode says what: 2388040 too long, 2388043 a sample is missing, 2388047, 2388072 and 2388073 the
form of header, body and footer, 2388293 too many variables, 2388299 a variable at the start or the end, 2494102 a bad handle.
"""

import re
from collections.abc import Collection
from typing import Any

from bot.sandbox.card_definitions import check_carousel
from bot.sandbox.definition_buttons import check_buttons
from bot.sandbox.definition_texts import check_example, check_length, check_variables, refuse
from bot.sandbox.template import variables_in

NAME = re.compile(r"[a-z0-9_]{1,512}")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
TYPES = {"HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST"}
MEDIA = ("IMAGE", "VIDEO", "DOCUMENT", "GIF")
HEADER_FORMATS = ("TEXT", *MEDIA, "LOCATION", "PRODUCT")
TTL = {"AUTHENTICATION": (30, 900), "UTILITY": (30, 43_200), "MARKETING": (43_200, 2_592_000)}
HEADER, BODY, FOOTER = 2_388_047, 2_388_072, 2_388_073
BAD_HANDLE = 2_494_102
_HANDLE = re.compile(r"[0-9]+:[A-Za-z0-9:+/=._-]*")
LANGUAGES = frozenset(
    {
        "af", "sq", "ar", "ar_EG", "ar_AE", "ar_LB", "ar_MA", "ar_QA", "az", "be_BY", "bn", "bn_IN", "bg", "ca", "zh_CN",
        "zh_HK", "zh_TW", "hr", "cs", "da", "prs_AF", "nl", "nl_BE", "en", "en_GB", "en_US", "en_AE", "en_AU", "en_CA",
        "en_GH", "en_IE", "en_IN", "en_JM", "en_MY", "en_NZ", "en_QA", "en_SG", "en_UG", "en_ZA", "et", "fil", "fi",
        "fr", "fr_BE", "fr_CA", "fr_CH", "fr_CI", "fr_MA", "ka", "de", "de_AT", "de_CH", "el", "gu", "ha", "he", "hi",
        "hu", "id", "ga", "it", "ja", "kn", "kk", "rw_RW", "ko", "ky_KG", "lo", "lv", "lt", "mk", "ms", "ml", "mr", "nb",
        "ps_AF", "fa", "pl", "pt_BR", "pt_PT", "pa", "ro", "ru", "sr", "si_LK", "sk", "sl", "es", "es_AR", "es_CL",
        "es_CO", "es_CR", "es_DO", "es_EC", "es_HN", "es_MX", "es_PA", "es_PE", "es_ES", "es_UY", "sw", "sv", "ta", "te",
        "th", "tr", "uk", "ur", "uz", "vi", "zu",
    }
)  # fmt: skip


def check_identity(body: dict[str, Any]) -> tuple[str, str]:
    """Check name, language, category and format of variables; returns category and format in upper case."""
    for name in ("name", "language", "category"):
        if not isinstance(body.get(name), str) or not body[name]:
            refuse(f"(#100) The parameter {name} is required.")
    if not NAME.fullmatch(body["name"]):
        refuse("Param name must be lower-case letters, digits and underscores", 2_388_023)
    if body["language"] not in LANGUAGES:
        refuse(f"Param language: {body['language']} is not supported")
    category = body["category"].upper()
    if category not in CATEGORIES:
        refuse(f"Param category must be one of {CATEGORIES}")
    form = str(body.get("parameter_format", "POSITIONAL")).upper()
    if form not in ("POSITIONAL", "NAMED"):
        refuse("Param parameter_format must be POSITIONAL or NAMED")
    check_options(body, category)
    return category, form


def check_options(body: dict[str, Any], category: str) -> None:
    """Check what stands besides the components: time to live, max price."""
    seconds = body.get("message_send_ttl_seconds")
    if seconds is not None:
        least, most = TTL[category]
        is_month = seconds == -1 and category != "MARKETING"
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not (least <= seconds <= most or is_month):
            refuse(f"Param message_send_ttl_seconds must be between {least} and {most}")
    spec = body.get("optimization_spec")
    if spec is not None:
        is_whole = isinstance(spec, dict) and isinstance(spec.get("bid_amount"), int) and spec["bid_amount"] > 0
        if not is_whole or spec.get("bid_strategy") != "LOWEST_COST_WITH_BID_CAP" or category != "MARKETING":
            refuse("Param optimization_spec needs bid_strategy and bid_amount, in a marketing template")


def check_components(components: Any, category: str, form: str, handles: dict[str, str]) -> None:
    """Check the components. ``handles``: the MIME type of every file that was uploaded. Raises SandboxGraphError."""
    parts = _by_type(components)
    body, offer, buttons = parts.get("BODY"), parts.get("LIMITED_TIME_OFFER"), _buttons(parts)
    if body is None:
        refuse("A BODY component is required", BODY)
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    if category == "AUTHENTICATION":
        _check_authentication(parts, kinds)
        return
    if "OTP" in kinds or "add_security_recommendation" in body:
        refuse("One-time codes are for authentication templates")
    most = 600 if offer is not None else 160 if "SPM" in kinds else 1024
    check_body(body, form, most)
    if "HEADER" in parts:
        check_header(parts["HEADER"], form, handles)
    _check_footer(parts.get("FOOTER"))
    check_buttons(buttons, form, 15 if offer is not None else 20)
    if offer is not None:
        _check_offer(parts, category, kinds)
    if "CAROUSEL" in parts:
        if parts.keys() - {"BODY", "CAROUSEL"}:
            refuse("A carousel takes a BODY beside it and nothing else", BODY)
        check_carousel(parts["CAROUSEL"].get("cards"), form, lambda part: check_header(part, form, handles), check_body)
    _check_company(parts, kinds)


def check_header(header: dict[str, Any], form: str, handles: dict[str, str]) -> None:
    """Check a header of a template or a card."""
    kind = str(header.get("format", "TEXT")).upper()
    if kind not in HEADER_FORMATS:
        refuse(f"HEADER format must be one of {HEADER_FORMATS}", HEADER)
    if kind == "TEXT":
        text = header.get("text")
        if not isinstance(text, str) or not text:
            refuse("The HEADER needs a text", HEADER)
        check_length("HEADER", text, 60)
        plain = re.sub(r"\{\{.*?\}\}", "", text)
        if len(variables_in(text)) > 1 or any(mark in plain for mark in "*_~`\n"):
            refuse("The HEADER takes one variable and no formatting characters or line breaks", HEADER)
        check_variables("HEADER", text, form, HEADER)
        check_example("header", header, text, form)
    elif kind in MEDIA:
        _check_handle(header, kind, handles)


def check_body(body: dict[str, Any], form: str, most: int) -> None:
    """Check the text of a template or a card."""
    text = body.get("text")
    if not isinstance(text, str) or not text.strip():
        refuse("The BODY needs a text", BODY)
    check_length("BODY", text, most)
    bare = text.strip()
    if bare.startswith("{{") or bare.endswith("}}"):
        refuse("The body cannot start or end with a variable", 2_388_299)
    if re.search(r"\}\}\s*\{\{", text):
        refuse("Variables cannot stand side by side", 2_388_299)
    names = check_variables("BODY", text, form, BODY)
    is_spaced = text.isascii()
    if is_spaced and len(names) > 1 and len(text.split()) < 2 * len(names) + 1:
        refuse("There are too many variables for the length of the message", 2_388_293)
    check_example("body", body, text, form)


def _by_type(components: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(components, list) or not all(isinstance(part, dict) for part in components):
        refuse("Param components must be an array of objects")
    parts: dict[str, dict[str, Any]] = {}
    for part in components:
        kind = str(part.get("type", "")).upper()
        if kind not in TYPES or kind in parts:
            refuse(f"Param components: {kind or 'no type'} is unknown or there twice")
        parts[kind] = part
    return parts


def _buttons(parts: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    if "BUTTONS" not in parts:
        return []
    buttons = parts["BUTTONS"].get("buttons")
    if not isinstance(buttons, list) or not buttons or not all(isinstance(button, dict) for button in buttons):
        refuse("BUTTONS needs a list of at most 10 buttons", BODY)
    return list(buttons)


def _check_handle(header: dict[str, Any], kind: str, handles: dict[str, str]) -> None:
    example = header.get("example")
    given = example.get("header_handle") if isinstance(example, dict) else None
    handle = given[0] if isinstance(given, list) and given else given
    if not isinstance(handle, str) or not _HANDLE.fullmatch(handle):
        refuse("The HEADER needs a sample, uploaded before: the handle is invalid", BAD_HANDLE)
    mime_type = handles.get(handle)
    fitting = {"IMAGE": "image/", "VIDEO": "video/", "GIF": "video/", "DOCUMENT": "application/"}[kind]
    if mime_type is not None and not mime_type.startswith(fitting):
        refuse(f"The sample is {mime_type}, which is no {kind}", BAD_HANDLE)


def _check_footer(footer: dict[str, Any] | None) -> None:
    if footer is None:
        return
    text = footer.get("text")
    if not isinstance(text, str) or not text or "{{" in text:
        refuse("The FOOTER needs a text without variables", FOOTER)
    check_length("FOOTER", text, 60)


def _check_offer(parts: dict[str, dict[str, Any]], category: str, kinds: list[str]) -> None:
    offer = parts["LIMITED_TIME_OFFER"].get("limited_time_offer")
    text = offer.get("text") if isinstance(offer, dict) else None
    if not isinstance(text, str) or not text:
        refuse("limited_time_offer needs a text")
    check_length("limited_time_offer", text, 16)
    header = str(parts.get("HEADER", {}).get("format", "IMAGE")).upper()
    if category != "MARKETING" or "FOOTER" in parts or header not in ("IMAGE", "VIDEO"):
        refuse("A limited-time offer is marketing, without footer, with an image, a video or no header")
    if kinds not in (["COPY_CODE", "URL"], ["COPY_CODE"], ["URL"]):
        refuse("A limited-time offer takes a copy code button and then a URL button")


def _check_company(parts: dict[str, dict[str, Any]], kinds: Collection[str]) -> None:
    header = str(parts["HEADER"].get("format", "TEXT")).upper() if "HEADER" in parts else None
    if "CATALOG" in kinds and header is not None:
        refuse("A catalog template takes no header", HEADER)
    if "MPM" in kinds and header != "TEXT":
        refuse("A multi-product template needs a text header", HEADER)
    if ("SPM" in kinds) != (header == "PRODUCT"):
        refuse("A single-product template needs a header of PRODUCT and an SPM button", HEADER)
    if "CALL_PERMISSION_REQUEST" in parts and parts.keys() & {"BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER"}:
        refuse("A call permission request takes no other interactive component")


def _check_authentication(parts: dict[str, dict[str, Any]], kinds: list[str]) -> None:
    if parts.keys() - {"BODY", "FOOTER", "BUTTONS"} or kinds != ["OTP"]:
        refuse("An authentication template takes a body, a footer and one OTP button")
    if parts["BODY"].get("text") and "add_security_recommendation" not in parts["BODY"]:
        refuse("The text of an authentication template is fixed", BODY)
    minutes = parts.get("FOOTER", {}).get("code_expiration_minutes", 1)
    if not isinstance(minutes, int) or not 1 <= minutes <= 90:
        refuse("code_expiration_minutes must be between 1 and 90", FOOTER)
    button = parts["BUTTONS"]["buttons"][0]
    kind = str(button.get("otp_type", "")).upper()
    if kind not in ("COPY_CODE", "ONE_TAP", "ZERO_TAP") or (kind != "COPY_CODE" and not button.get("supported_apps")):
        refuse("otp_type must be COPY_CODE, or ONE_TAP or ZERO_TAP with supported_apps")
    if kind == "ZERO_TAP" and button.get("zero_tap_terms_accepted") is not True:
        refuse("zero_tap_terms_accepted must be true")
