"""Defines Meta's error answers: one exception, and the codes with their HTTP status and title (docs/meta.md §3.2)."""

import secrets
from typing import Any

CATALOGUE: dict[int, tuple[int, str]] = {
    1: (400, "An unknown error occurred"),
    2: (503, "Service temporarily unavailable"),
    3: (500, "Application does not have the capability to make this API call"),
    4: (400, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    33: (400, "Unsupported request: the business phone number has been deleted"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token"),
    200: (403, "Permissions error"),
    368: (403, "Temporarily blocked for policies violations"),
    2200: (400, "Callback verification failed"),
    2500: (400, "An active access token must be used to query information about the current user"),
    80007: (400, "There have been too many calls to this WhatsApp Business account"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131031: (403, "Account has been locked"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131070: (400, "Message blocked: the thread belongs to another responder"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: (400, "User has stopped marketing messages from this business"),
    131051: (400, "Unsupported message type"),
    131053: (400, "Media upload error"),
    131055: (400, "Method not allowed"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131061: (400, "The template has a max price: it is sent by marketing_messages"),
    131062: (400, "Business-scoped user id is not supported for this message"),
    131063: (400, "Marketing messages are disabled on Cloud API for this account"),
    131065: (400, "Max price is not available in the recipient's country"),
    131064: (400, "Utility messages are capped because of template misclassification"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "Template parameter validation failed"),
    133010: (400, "Phone number is not registered"),
    134011: (400, "WhatsApp Payments terms of service has not been accepted"),
    134100: (400, "Only marketing messages are supported"),
    134101: (400, "Template is still being synced"),
    134102: (500, "Template is unavailable"),
    135000: (400, "Generic user error"),
    137000: (400, "User identity key hash mismatch"),
}

HREF = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


def title_of(code: int) -> str:
    """Return Meta's title of an error code."""
    return CATALOGUE.get(code, (400, "Unknown error"))[1]


class SandboxGraphError(Exception):
    """A refusal of a Graph route. ``http`` overrides the HTTP status of the code in ``CATALOGUE``."""

    def __init__(self, code: int, details: str = "", *, http: int | None = None, subcode: int | None = None) -> None:
        super().__init__(f"{code} {details}")
        self.code = code
        self.details = details or title_of(code)
        self.http = http or CATALOGUE.get(code, (400, ""))[0]
        self.subcode = subcode

    def body(self) -> dict[str, Any]:
        """Return the error in Meta's envelope."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {title_of(self.code)}",
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": secrets.token_urlsafe(16),
        }
        if self.subcode:
            error["error_subcode"] = self.subcode
        if self.code in (2, 131016):
            error["is_transient"] = True
        return {"error": error}


def webhook_error(code: int, details: str = "") -> dict[str, Any]:
    """Return an error as in ``statuses[].errors[]`` of a webhook."""
    title = title_of(code)
    return {"code": code, "title": title, "message": title, "error_data": {"details": details or title}, "href": HREF}
