"""A template's whole definition, and its reading from Meta's JSON (docs/meta.md §5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.templates.definition.buttons import ButtonDefinition
from models.templates.definition.formats import Carousel, OfferDefinition
from models.templates.definition.headers import Header
from models.templates.definition.part import Part, present
from models.templates.definition.texts import AuthenticationBody, AuthenticationFooter, Body, Footer

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
AUTHENTICATION = "AUTHENTICATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDefinition(Part):
    """A template as it is written. `category` and `parameter_format` are in upper case; None where there is none of Meta's.

    `send_ttl_seconds` is how long Meta tries to deliver; `library_name` is the template of Meta's library whose words it has
    instead of components.
    """

    name: str
    language: str
    category: str | None
    parameter_format: str = "POSITIONAL"
    header: Header | None = None
    offer: OfferDefinition | None = None
    body: Body | AuthenticationBody | None = None
    carousel: Carousel | None = None
    footer: Footer | AuthenticationFooter | None = None
    buttons: tuple[ButtonDefinition, ...] = ()
    buttons_path: str = field(default="", compare=False)
    asks_for_calls: bool = False
    """Whether it asks for the permission to call (`CALL_PERMISSION_REQUEST`)."""
    send_ttl_seconds: int | None = None
    is_tracking_opted_out: bool | None = None
    optimization_spec: Mapping[str, Any] | None = None
    library_name: str | None = None

    def components(self) -> list[dict[str, Any]]:
        """Meta's components."""
        parts = [part.to_json() for part in (self.header, self.offer, self.body, self.carousel, self.footer) if part]
        if self.asks_for_calls:
            parts.append({"type": "CALL_PERMISSION_REQUEST"})
        if self.buttons:
            parts.append({"type": "BUTTONS", "buttons": [button.to_json() for button in self.buttons]})
        return parts

    def to_json(self) -> dict[str, Any]:
        """Meta's JSON, as `POST /{waba_id}/message_templates` takes it."""
        identity = {"name": self.name, "language": self.language, **present(category=self.category)}
        content: dict[str, Any] = {"components": self.components(), "parameter_format": self.parameter_format}
        if self.library_name is not None:
            content = {"library_template_name": self.library_name}
        return {
            **self.extra,
            **identity,
            **content,
            **present(
                message_send_ttl_seconds=self.send_ttl_seconds,
                cta_url_link_tracking_opted_out=self.is_tracking_opted_out,
                optimization_spec=dict(self.optimization_spec) if self.optimization_spec is not None else None,
            ),
        }
