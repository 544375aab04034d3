"""Checks the buttons of a template's definition as Meta does (docs/meta.md §2.5, §5.6)."""

import re
from typing import Any

from bot.sandbox.definition_texts import check_length, check_variables, refuse

LIMITS = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "FLOW": 1, "CATALOG": 1, "MPM": 1, "SPM": 1, "OTP": 1}
LABELLED = ("QUICK_REPLY", "URL", "PHONE_NUMBER", "FLOW", "VOICE_CALL")
KINDS = {*LIMITS, *LABELLED, "REQUEST_CONTACT_INFO"}
ALONE = {"CATALOG", "MPM", "SPM"}
FORM = 2_388_072
_PICTURES = re.compile("[\u2600-\u27bf\u2b05-\u2b55\ufe0f\U0001f000-\U0001faff]")


def check_buttons(buttons: list[dict[str, Any]], form: str, longest_code: int) -> None:
    """Check number, kinds, order and fields. Raises SandboxGraphError."""
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    if len(buttons) > 10 or not KINDS.issuperset(kinds):
        refuse("BUTTONS needs a list of at most 10 buttons of Meta's kinds", FORM)
    for kind, most in LIMITS.items():
        if kinds.count(kind) > most:
            refuse(f"at most {most} {kind} buttons are allowed", FORM)
    places = [place for place, kind in enumerate(kinds) if kind == "QUICK_REPLY"]
    if places and places[-1] - places[0] >= len(places):
        refuse("quick replies must stand together", FORM)
    if ALONE.intersection(kinds) and len(kinds) > 1:
        refuse("a product button stands alone", FORM)
    for kind, button in zip(kinds, buttons, strict=True):
        _check_label(kind, button)
        _check_fields(kind, button, form, longest_code)


def _check_label(kind: str, button: dict[str, Any]) -> None:
    text = button.get("text")
    if kind in LABELLED and (not isinstance(text, str) or not text.strip()):
        refuse(f"a {kind} button needs a text", FORM)
    if isinstance(text, str):
        check_length("a button's", text, 25)
        if _PICTURES.search(text) or "{{" in text or "\n" in text:
            refuse("a button's text takes no emoji, variables or line breaks", FORM)


def _check_fields(kind: str, button: dict[str, Any], form: str, longest_code: int) -> None:
    if kind == "URL":
        _check_url(button, form)
    elif kind == "PHONE_NUMBER":
        number = button.get("phone_number")
        if not isinstance(number, str) or not re.fullmatch(r"\+?[0-9 ().-]{3,19}", number):
            refuse("phone_number must be a number of at most 20 characters", FORM)
    elif kind == "COPY_CODE":
        example = button.get("example")
        code = example[0] if isinstance(example, list) and example else example
        if not isinstance(code, str) or not code:
            refuse("a COPY_CODE button needs an example", 2_388_043)
        check_length("the code's", code, longest_code)
    elif kind == "FLOW" and sum(bool(button.get(name)) for name in ("flow_id", "flow_name", "flow_json")) != 1:
        refuse("a FLOW button needs one of flow_id, flow_name and flow_json", FORM)


def _check_url(button: dict[str, Any], form: str) -> None:
    url = button.get("url")
    if not isinstance(url, str) or not re.match(r"https?://[^\s/{]+", url, re.IGNORECASE):
        refuse("a URL button needs a URL", FORM)
    check_length("the URL's", url, 2_000)
    names = check_variables("URL", url, form, FORM)
    if len(names) > 1 or (names and not url.endswith("}}")):
        refuse("a URL takes one variable, at its end", FORM)
    example = button.get("example")
    sample = example[0] if isinstance(example, list) and example else example
    if names and (not isinstance(sample, str) or not sample):
        refuse("Every variable needs an example", 2_388_043)
