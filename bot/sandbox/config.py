"""Defines the settings of the simulation, for its start and while it runs."""

import dataclasses
import ipaddress
import typing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


class ConfigError(ValueError):
    """A setting has an invalid value; the text names it."""


def check_loopback(url: str) -> str:
    """Return the URL. Raises ConfigError if it is not http(s) to this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if parts.scheme not in ("http", "https") or not local:
        raise ConfigError(f"webhook_url: {url!r} is not allowed: the sandbox posts to http(s) on loopback only")
    return url


def _option(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning})


@dataclass
class Config:
    """All settings. Shares are probabilities from 0 to 1; ``*_seconds`` are divided by ``speed`` unless the help says otherwise.

    Raises ConfigError if a value is invalid.
    """

    port: int = _option(0, "port on 127.0.0.1, 0 takes a free one")
    webhook_url: str | None = _option(None, "where webhooks go; loopback only")
    app_secret: str = _option("sandbox-app-secret", "key of X-Hub-Signature-256")
    verify_token: str = _option("sandbox-verify-token", "sent in the handshake")
    token: str = _option("sandbox-access-token", "the one Bearer token that is accepted")
    require_proof: bool = _option(False, "refuse Graph calls without appsecret_proof")
    require_subscription: bool = _option(False, "send webhooks only after POST subscribed_apps")
    seed: int = _option(1, "everything people do is drawn from the seed and their phone")
    speed: float = _option(1.0, "divides every delay of the simulation")
    log: bool = _option(False, "print an access log on stderr")

    throughput_mps: float = _option(0.0, "messages a second per number before 130429; 0: by the number, 20, 80 or 1000")
    pair_rule: bool = _option(True, "one message per 6 s and person, burst 45, else 131056")
    window_rule: bool = _option(True, "free-form outside 24 h is accepted, then fails with 131047")
    tier_limit: int = _option(0, "unique people per portfolio in 24 h outside windows; 0 is unlimited")
    free_service: int = _option(1000, "service messages of a number and month that are delivered free of charge")
    tier_code: int = _option(131048, "what a send past the tier is refused with (Meta does not say)")
    management_limit: int = _option(0, "management calls per WABA and hour before 80007; 0 is off")
    suffix_faults: bool = _option(True, "numbers with certain last four digits misbehave (bot/sandbox/faults.py)")
    hold_after: int = _option(-1, "template sends taken before the rest is held for quality; -1 is never")
    hold_seconds: float = _option(4.0, "how long a held message waits; negative waits for the control API")
    hold_verdict: str = _option("release", "what happens to held messages: release or drop")
    review_seconds: float = _option(3.0, "how long a new or edited template is PENDING")
    review_verdict: str = _option("auto", "auto (names with 'reject' are refused), approve or reject")
    template_sync_seconds: float = _option(
        0.0, "how long marketing_messages refuses a new or edited template with 134101"
    )
    no_max_price_prefixes: str = _option(
        "", "calling codes, comma-separated, to which a max price is refused with 131065"
    )
    catalog_permission: bool = _option(True, "the token has catalog_management; else catalogs are refused with 200")
    analytics_permission: bool = _option(True, "the token may read analytics; else they are refused with 200")
    analytics_costs: bool = _option(True, "analytics name costs; accounts on a partner's credit line have none")
    analytics_prices: str = _option(
        "marketing=0.05,marketing_lite=0.05,utility=0.03,authentication=0.03,service=0.03",
        "what analytics say that a message of each category costs, where no max price does",
    )
    analytics_page: int = _option(200, "most points in one page of pricing analytics")
    insights_enabled: bool = _option(True, "template analytics are switched on for the accounts")
    hang_seconds: float = _option(120.0, "how long a call that is never answered stays open; not scaled")

    latency_seconds: float = _option(0.0, "added to every Graph answer; not scaled")
    sent_seconds: float = _option(0.3, "median from acceptance to sent")
    delivered_seconds: float = _option(1.0, "median from sent to delivered")
    read_seconds: float = _option(6.0, "median from delivered to read")
    reply_seconds: float = _option(5.0, "median from read to an answer")
    unreachable_share: float = _option(0.0, "people who are not on WhatsApp: failed 131026")
    capped_share: float = _option(0.0, "marketing messages that fail with 131049")
    offline_share: float = _option(0.0, "messages that stay at sent")
    read_share: float = _option(0.7, "delivered messages that are read")
    reply_share: float = _option(0.05, "read templates answered in words")
    press_share: float = _option(0.15, "read templates with quick replies where one is pressed")
    click_share: float = _option(0.0, "read messages with a link to this machine where it is opened")
    preview_share: float = _option(0.1, "opened links of which WhatsApp draws a preview first")
    stop_share: float = _option(0.01, "read templates answered with STOP")
    answer_share: float = _option(0.85, "buttons, lists and questions of a bot that are answered")
    max_replies: int = _option(6, "how often one person answers by itself, ever")
    username_share: float = _option(0.0, "people with a username whose number is not shown in webhooks")
    lost_context_share: float = _option(0.03, "pressed quick replies that come without context")

    payload_version: str = _option("v24", "v24 (no conversation) or v23")
    bsuids: bool = _option(True, "show business-scoped user ids")
    disorder_share: float = _option(0.05, "messages whose sent and delivered change places on the way")
    duplicate_share: float = _option(0.02, "webhook items that come twice")
    skip_delivered_share: float = _option(0.03, "read messages without a delivered status")
    early_share: float = _option(0.01, "messages whose sent webhook comes before the HTTP answer")
    unknown_share: float = _option(0.002, "messages with a status or field that nobody has heard of")
    webhooks_paused: bool = _option(False, "keep every webhook back for now")
    webhook_concurrency: int = _option(8, "posts under way at once")
    webhook_timeout_seconds: float = _option(10.0, "before a post counts as failed; not scaled")
    batch_max: int = _option(100, "most updates in one post (1 to 1000)")
    linger_seconds: float = _option(0.02, "how long updates gather before they are posted; not scaled")
    retry_seconds: float = _option(1.0, "first pause after a post that was not answered 200; doubles")
    retry_cap_seconds: float = _option(60.0, "longest pause between retries")
    keep_bodies: int = _option(20_000, "latest messages whose text is kept for the page")
    world: dict[str, Any] | None = field(default=None, metadata={"help": "portfolio, accounts, numbers, templates"})

    def __post_init__(self) -> None:
        self._check()

    def update(self, changes: dict[str, Any]) -> None:
        """Apply all changes. Raises ConfigError, and applies none, if one is invalid."""
        types = typing.get_type_hints(type(self))
        for name, value in changes.items():
            if name not in types or name == "port":
                raise ConfigError(f"{name}: there is no such setting, or it is fixed at start")
            if not _fits(value, types[name]):
                raise ConfigError(f"{name}: {value!r} is not {types[name]}")
        dataclasses.replace(self, **changes)
        for name, value in changes.items():
            setattr(self, name, value)

    def public(self) -> dict[str, Any]:
        """Return all settings, with secrets masked."""
        settings = dataclasses.asdict(self)
        return settings | dict.fromkeys(("app_secret", "verify_token", "token"), "***")

    def _check(self) -> None:
        if self.webhook_url:
            check_loopback(self.webhook_url)
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name.endswith("_share") and not 0 <= value <= 1:
                raise ConfigError(f"{item.name}: {value!r} is not between 0 and 1")
        if self.speed <= 0:
            raise ConfigError(f"speed: {self.speed!r} is not above 0")
        if not 1 <= self.batch_max <= 1000:
            raise ConfigError(f"batch_max: {self.batch_max!r} is not between 1 and 1000")
        if self.analytics_page < 1:
            raise ConfigError(f"analytics_page: {self.analytics_page!r} is not above 0")
        if self.webhook_concurrency < 1:
            raise ConfigError(f"webhook_concurrency: {self.webhook_concurrency!r} is not above 0")
        self._check_words()

    def _check_words(self) -> None:
        allowed = {
            "hold_verdict": ("release", "drop"),
            "review_verdict": ("auto", "approve", "reject"),
            "payload_version": ("v23", "v24"),
        }
        for name, words in allowed.items():
            if getattr(self, name) not in words:
                raise ConfigError(f"{name}: {getattr(self, name)!r} is not one of {', '.join(words)}")


def _fits(value: Any, kind: Any) -> bool:
    """Return whether a value has the type of a setting: a bool is no number, an int is a float."""
    if kind in (str, bool):
        return isinstance(value, kind)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == (str | None):
        return value is None or isinstance(value, str)
    return value is None or isinstance(value, dict)
