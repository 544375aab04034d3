"""Templates to be reviewed by the simulated Meta, and who gets them."""

from typing import Any

from bot.sandbox.seed import WABA_ID

ANA = "+34600001234"
LIST = f"/{WABA_ID}/message_templates"


def plan(name: str, text: str = "Hi {{1}}, welcome to our shop.", **more: Any) -> dict[str, Any]:
    example = {"example": {"body_text": [["Ana"]]}} if "{{" in text else {}
    component = {"type": "BODY", "text": text, **example}
    return {"name": name, "language": "en", "category": "UTILITY", "components": [component], **more}
