"""What Meta checks in the buttons of a template: how many of which kind, their order and their fields (docs/meta.md §2.5, §5.6)."""

import re
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from models.templates.definition.buttons import (
    ButtonDefinition,
    CatalogButton,
    ContactInfoButton,
    CopyCodeButton,
    FlowButton,
    MultiProductButton,
    OneTimeCodeButton,
    PhoneButton,
    QuickReply,
    SingleProductButton,
    UrlButton,
    VoiceCallButton,
)
from models.templates.definition.examples import NAMED
from models.templates.definition.problems import Problems
from models.templates.definition.text_rules import NAME, check_length, variables_of
from models.templates.lengths import COUPON, OFFER_COUPON, URL

MOST_BUTTONS = 10
MOST_OF_A_KIND = {
    "URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "FLOW": 1, "CATALOG": 1, "MPM": 1, "SPM": 1, "OTP": 1, "VOICE_CALL": 1,
    "REQUEST_CONTACT_INFO": 1,
}  # fmt: skip
LABEL = 25
PHONE = 20
_ALONE = (CatalogButton, MultiProductButton, SingleProductButton, OneTimeCodeButton)
_NEEDS_LABEL = (QuickReply, UrlButton, PhoneButton, FlowButton, VoiceCallButton)
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]*")
_EMOJI = re.compile(
    "["
    "\u231a-\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa-\u25ab\u25b6\u25c0\u25fb-\u25fe"
    "\u2600-\u2604\u260e\u2611\u2614-\u2615\u2618\u261d\u2620\u2622-\u2623\u2626\u262a\u262e-\u262f"
    "\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f-\u2660\u2663\u2665-\u2666\u2668\u267b\u267e-\u267f"
    "\u2692-\u2697\u2699\u269b-\u269c\u26a0-\u26a1\u26a7\u26aa-\u26ab\u26b0-\u26b1\u26bd-\u26be\u26c4-\u26c5"
    "\u26c8\u26ce-\u26cf\u26d1\u26d3-\u26d4\u26e9-\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2705"
    "\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733-\u2734\u2744\u2747\u274c\u274e"
    "\u2753-\u2755\u2757\u2763-\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934-\u2935\u2b05-\u2b07\u2b1b-\u2b1c"
    "\u2b50\u2b55\u3030\u303d\u3297\u3299\ufe0f\U0001f004\U0001f0cf\U0001f170-\U0001f171\U0001f17e-\U0001f17f"
    "\U0001f18e\U0001f191-\U0001f19a\U0001f1e6-\U0001f1ff\U0001f201-\U0001f202\U0001f21a\U0001f22f"
    "\U0001f232-\U0001f23a\U0001f250-\U0001f251\U0001f300-\U0001f64f\U0001f680-\U0001f6ff"
    "\U0001f7e0-\U0001f7eb\U0001f7f0\U0001f90c-\U0001f9ff\U0001fa70-\U0001faff"
    "]"
)
"""Characters that Unicode calls emoji, less digits and signs of text such as ©, and the selector that makes one of others."""


def check_buttons(
    path: str, buttons: Sequence[ButtonDefinition], parameter_format: str, problems: Problems, *, is_offer: bool = False
) -> None:
    """Check the buttons of a template or a card; `path` is that of their list."""
    if len(buttons) > MOST_BUTTONS:
        problems.add(path, "has {count} buttons, at most {most}", count=len(buttons), most=MOST_BUTTONS)
    counts: dict[str, int] = {}
    for button in buttons:
        counts[button.kind] = counts.get(button.kind, 0) + 1
        most = MOST_OF_A_KIND.get(button.kind, MOST_BUTTONS)
        if counts[button.kind] == most + 1:
            problems.add(
                button.place("type"), "there are more than {most} {kind} buttons; allowed are {most}",
                kind=button.kind, most=most,
            )  # fmt: skip
        _check_label(button, problems)
        _check_fields(button, parameter_format, problems, is_offer=is_offer)
    _check_company(buttons, problems)
    _check_quick_replies(buttons, problems)


def _check_company(buttons: Sequence[ButtonDefinition], problems: Problems) -> None:
    lonely = next((button for button in buttons if isinstance(button, _ALONE)), None)
    if lonely is not None and len(buttons) > 1:
        for button in buttons:
            if button is not lonely:
                problems.add(button.place("type"), "a {kind} button stands alone; remove the others", kind=lonely.kind)
                return


def _check_quick_replies(buttons: Sequence[ButtonDefinition], problems: Problems) -> None:
    places = [place for place, button in enumerate(buttons) if isinstance(button, QuickReply)]
    for before, place in pairwise(places):
        if place != before + 1:
            problems.add(
                buttons[place].place("type"), "quick replies must stand together, before or behind the other buttons"
            )
            return


def _check_label(button: ButtonDefinition, problems: Problems) -> None:
    path, text = button.place("text"), button.text
    if text is None:
        if isinstance(button, _NEEDS_LABEL):
            problems.add(path, "is missing; a label of 1 to {most} characters", most=LABEL)
        return
    check_length(path, text, LABEL, problems)
    if "{{" in text or "}}" in text:
        problems.add(path, "has a variable; a button's label takes none")
    if _EMOJI.search(text):
        problems.add(path, "has an emoji; a button's label takes none")
    if "\n" in text or "\r" in text:
        problems.add(path, "has a line break; a button's label is one line")


def _check_fields(button: ButtonDefinition, parameter_format: str, problems: Problems, *, is_offer: bool) -> None:
    if isinstance(button, UrlButton):
        _check_url(button, parameter_format, problems)
    elif isinstance(button, PhoneButton):
        path, number = button.place("phone_number"), button.phone_number.strip()
        check_length(path, number, PHONE, problems)
        if number and not _PHONE.fullmatch(number):
            problems.add(path, "is no phone number; allowed are digits with the country's code, such as 15550051310")
    elif isinstance(button, CopyCodeButton):
        path, code = button.place("example"), (button.example or "").strip()
        if not code:
            problems.add(path, "is missing; a sample of the code")
        check_length(path, code, OFFER_COUPON if is_offer else COUPON, problems)
    elif isinstance(button, FlowButton):
        names = [name for name in ("flow_id", "flow_name", "flow_json") if getattr(button, name)]
        if len(names) != 1:
            given = ", ".join(names) or "none"
            problems.add(
                button.place("flow_id"), "one of flow_id, flow_name, flow_json is needed, not {given}", given=given
            )
    elif isinstance(button, OneTimeCodeButton):
        _check_one_time_code(button, problems)


def _check_url(button: UrlButton, parameter_format: str, problems: Problems) -> None:
    path, url = button.place("url"), button.url.strip()
    if not url:
        return
    check_length(path, url, URL, problems)
    variables = variables_of(url)
    fixed = url.partition("{{")[0]
    if not _has_host(fixed):
        problems.add(path, "must begin with https:// and a host, before any variable")
    if len(variables) > 1:
        problems.add(path, "has {count} variables; a URL takes one, at its end", count=len(variables))
    elif variables and not url.endswith("}}"):
        problems.add(path, "its variable must stand at the end")
    elif not variables and ("{{" in url or "}}" in url):
        problems.add(path, "has braces that do not match; a variable is written {{{{1}}}}")
    elif variables:
        _check_url_variable(path, variables[0], parameter_format, problems)
    if variables and not (button.example or "").strip():
        problems.add(button.place("example"), "is missing; a sample of the variable, or of the whole URL")


def _check_url_variable(path: str, name: str, parameter_format: str, problems: Problems) -> None:
    if parameter_format == NAMED and (name.isdigit() or not NAME.fullmatch(name)):
        problems.add(
            path, "its variable must be a name of lower-case letters and underscores, as {{{{customer_name}}}}"
        )
    if parameter_format != NAMED and name != "1":
        problems.add(path, "its variable must be {{{{1}}}}")


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.netloc) and not re.search(r"\s", url)


def _check_one_time_code(button: OneTimeCodeButton, problems: Problems) -> None:
    needs_app = button.otp_type in {"ONE_TAP", "ZERO_TAP"}
    if needs_app and not button.supported_apps:
        problems.add(
            button.place("supported_apps"), "is missing; {kind} needs an app with package_name and signature_hash",
            kind=str(button.otp_type),
        )  # fmt: skip
    if button.otp_type == "ZERO_TAP" and button.zero_tap_terms_accepted is not True:
        problems.add(button.place("zero_tap_terms_accepted"), "must be true for ZERO_TAP")


def check_button_category(button: ButtonDefinition, category: str, problems: Problems) -> None:
    """Check that a template of this category may have the button."""
    is_authentication = category == "AUTHENTICATION"
    if is_authentication and not isinstance(button, OneTimeCodeButton):
        problems.add(button.place("type"), "an authentication template takes one OTP button only")
    elif not is_authentication and isinstance(button, OneTimeCodeButton):
        problems.add(button.place("type"), "an OTP button is for authentication templates only")
    elif isinstance(button, ContactInfoButton) and is_authentication:
        problems.add(button.place("type"), "REQUEST_CONTACT_INFO is for utility and marketing templates")
