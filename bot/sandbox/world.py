"""Holds the objects of the simulated Meta: a portfolio with its accounts, numbers and templates.

A world is one dict (``Config.world``, or ``POST /_sandbox/config``); missing parts come from ``seed.py``::

    {"portfolio_id": "…", "app_id": "…",
     "wabas": [{"id": "…", "name": "…", "numbers": [{"id": "…", "display_phone_number": "…", …}],
                "templates": [{"name": "…", "language": "…", "category": "…", "status": "…", "components": […]}],
                "catalogs": [{"id": "…", "name": "…", "linked": true, "seeded": 24, "products": [{"retailer_id": "…"}]}]}]}
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.catalogs import SandboxCatalogs
from bot.sandbox.config import ConfigError
from bot.sandbox.seed import WORLD
from bot.sandbox.template import SandboxTemplate

TIERS = {250: "TIER_250", 2000: "TIER_2K", 10_000: "TIER_10K", 100_000: "TIER_100K", 0: "TIER_UNLIMITED"}
MESSAGES = {"RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"}
"""The restrictions of messages, under which the health of a number is not AVAILABLE."""


@dataclass
class SandboxNumber:
    """A phone number of an account."""

    id: str
    waba_id: str
    display_phone_number: str
    verified_name: str = "Sandbox"
    status: str = "CONNECTED"
    quality_rating: str = "GREEN"
    name_status: str = "APPROVED"
    throughput: str = "STANDARD"
    throughput_mps: float = 0.0  # 0: as in the settings, else as its level says
    is_in_app: bool = False  # also used in the WhatsApp Business app
    restrictions: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def digits(self) -> str:
        """The digits of ``display_phone_number``."""
        return "".join(sign for sign in self.display_phone_number if sign.isdigit())

    def rate(self, configured: float) -> float:
        """Return the messages per second that Meta takes from this number, inbound and outbound (docs/meta.md §4.1)."""
        by_level = 20.0 if self.is_in_app else 1000.0 if self.throughput == "HIGH" else 80.0
        return self.throughput_mps or configured or by_level

    def public(self, fields: list[str] | None, tier_limit: int) -> dict[str, Any]:
        """Return the number as JSON, with the requested fields or Meta's default ones."""
        usable = self.status == "CONNECTED" and not {*self.restrictions} & MESSAGES
        everything: dict[str, Any] = {
            "verified_name": self.verified_name,
            "display_phone_number": self.display_phone_number,
            "quality_rating": self.quality_rating,
            "status": self.status,
            "name_status": self.name_status,
            "code_verification_status": "VERIFIED",
            "throughput": {"level": self.throughput},
            "whatsapp_business_manager_messaging_limit": TIERS.get(tier_limit, f"TIER_{tier_limit}"),
            "platform_type": "CLOUD_API",
            "account_mode": "LIVE",
            "health_status": self._health(usable),
            **self.extra,
        }
        usual = ["verified_name", "display_phone_number", "quality_rating", "code_verification_status", "platform_type"]
        shown = {name: everything[name] for name in fields or [*usual, "throughput"] if name in everything}
        return {**shown, "id": self.id}

    def _health(self, usable: bool) -> dict[str, Any]:
        word = "AVAILABLE" if usable else "BLOCKED"
        entity = {"entity_type": "PHONE_NUMBER", "id": self.id, "can_send_message": word}
        return {"can_send_message": word, "entities": [entity]}


@dataclass
class SandboxWaba:
    """A WhatsApp Business Account."""

    id: str
    name: str
    currency: str = "EUR"
    onboarding: str = "ONBOARDED"  # for the Marketing Messages API
    terms: str = "TERM_OF_SERVICE_SIGNED"
    marketing_off: bool = False  # the Cloud API refuses marketing
    subscriptions: dict[str, str | None] = field(default_factory=dict)  # app id → its own callback URL, if any


class World:
    """The portfolio with its accounts, numbers and templates."""

    def __init__(self, plan: dict[str, Any] | None = None) -> None:
        self.catalogs = SandboxCatalogs()
        self.build(plan)

    def build(self, plan: dict[str, Any] | None) -> None:
        """Build the world from a dict. Raises ConfigError if it is invalid."""
        plan = {**WORLD, **(plan or {})}
        self.portfolio_id = str(plan["portfolio_id"])
        self.app_id = str(plan["app_id"])
        self.wabas: dict[str, SandboxWaba] = {}
        self.numbers: dict[str, SandboxNumber] = {}
        self.templates: dict[str, SandboxTemplate] = {}
        self.blocked: dict[tuple[str, str, str], float] = {}
        """Names of deleted templates (account, name, language), and until when they are blocked."""
        self._by_name: dict[tuple[str, str, str], SandboxTemplate] = {}
        self.catalogs.clear()
        try:
            for part in plan["wabas"]:
                self._add_waba(part)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ConfigError(f"world: cannot be read: {error!r}") from error
        if not self.numbers:
            raise ConfigError("world: needs at least one account with a number")

    def template(self, waba_id: str, name: str, language: str) -> SandboxTemplate | None:
        """Return a template by account, name and language, None if there is none."""
        return self._by_name.get((waba_id, name, language))

    def templates_of(self, waba_id: str) -> Iterator[SandboxTemplate]:
        """Yield the templates of an account."""
        return (item for item in self.templates.values() if item.waba_id == waba_id)

    def find_template(self, name: str, language: str | None) -> SandboxTemplate | None:
        """Find a template in any account, for the control API; without a language the first translation."""
        matches = (t for t in self.templates.values() if t.name == name and language in (None, t.language))
        return next(matches, None)

    def add_template(self, waba_id: str, plan: dict[str, Any]) -> SandboxTemplate:
        """Add a template from its definition."""
        key = f"{waba_id}|{plan['name']}|{plan['language']}"
        spare = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big")
        template_id = str(plan.get("id") or 500_000_000_000_000 + spare)
        template = SandboxTemplate(
            id=template_id if template_id not in self.templates else str(int(template_id) + len(self.templates)),
            waba_id=waba_id,
            name=str(plan["name"]),
            language=str(plan["language"]),
            category=str(plan.get("category", "MARKETING")).upper(),
            components=list(plan["components"]),
            status=str(plan.get("status", "APPROVED")).upper(),
            parameter_format=str(plan.get("parameter_format", "POSITIONAL")).upper(),
            quality=str(plan.get("quality", "UNKNOWN")).upper(),
            rejected_reason=str(plan.get("rejected_reason", "NONE")),
            extra=dict(plan.get("extra", {})),
        )
        self.templates[template.id] = template
        self._by_name[(waba_id, template.name, template.language)] = template
        return template

    def remove_template(self, template: SandboxTemplate) -> None:
        """Remove a template."""
        self.templates.pop(template.id, None)
        self._by_name.pop((template.waba_id, template.name, template.language), None)

    def _add_waba(self, part: dict[str, Any]) -> None:
        named = {name: part[name] for name in ("currency", "onboarding", "terms", "marketing_off") if name in part}
        waba = SandboxWaba(id=str(part["id"]), name=str(part.get("name", "Sandbox")), **named)
        self.wabas[waba.id] = waba
        for number in part.get("numbers", []):
            self.numbers[str(number["id"])] = SandboxNumber(waba_id=waba.id, **number)
        for template in part.get("templates", []):
            self.add_template(waba.id, template)
        for catalog in part.get("catalogs", []):
            self.catalogs.add(waba.id, catalog)
