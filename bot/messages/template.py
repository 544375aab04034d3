"""Builds the bodies of template messages (docs/meta.md §2.3) from a template, a content and one recipient's values.

A `TemplateBuilder` reads template and content once, so that `build`, once per recipient, does little.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.messages.components import ComponentWriter, Values, built
from bot.meta.callback_data import callback_data
from models.clicks.codes import LinkSigner
from models.templates.content import MessageContent
from models.templates.tracked_links import LinkPlace


class TemplateBuilder:
    """Builds the messages of one template with one content, whose uploads are resolved (see ComponentWriter).

    `components` are Meta's, `parameter_format` is `NAMED` or `POSITIONAL`.
    """

    def __init__(
        self,
        *,
        name: str,
        language: str,
        components: Sequence[Mapping[str, Any]],
        parameter_format: str,
        content: MessageContent,
        installation: str,
        catalog_id: str | None = None,
        links: Mapping[LinkPlace, LinkSigner] | None = None,
    ) -> None:
        self._installation = installation
        self._head = {"name": name, "language": {"code": language}}
        is_named = parameter_format.upper() == "NAMED"
        writer = ComponentWriter(
            content, is_named=is_named, installation=installation, catalog_id=catalog_id, links=links
        )
        self._parts = writer.parts(components)

    def build(
        self, *, recipient_id: int, attempt: int, phone: str | None, bsuid: str | None, values: Values
    ) -> dict[str, Any]:
        """Return the whole body of the request, addressed to the phone if there is one, as Meta recommends, else to the BSUID.

        `values` has a mapping from variable to value for each place (models.templates.content): `header`, `body`, `buttons` (by
        index as text), those of a card (`cards.0.body`), `offer`, `flow_data`.
        """
        template: dict[str, Any] = dict(self._head)
        if self._parts:
            template["components"] = built(self._parts, values, recipient_id)
        return {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **({"to": phone} if phone else {"recipient": bsuid}),
            "type": "template",
            "template": template,
            "biz_opaque_callback_data": callback_data(self._installation, recipient_id, attempt),
        }
