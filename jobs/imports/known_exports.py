"""Recognises files that Hark itself and other programs export, and what their columns are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.imports.header import REJECT_COLUMNS, Header, fold_name
from models.campaigns.export import COLUMNS
from models.contacts.field_values import PROFILE_FIELDS, RESERVED_COLUMNS
from models.imports.contact_row import SECOND_PHONE


@dataclass(frozen=True, slots=True)
class KnownExport:
    """A kind of file. `fields`: what a column is, by its folded name; "" for one that says nothing of a person."""

    signature: frozenset[str]
    """Columns that together no other file has, folded."""
    fields: Mapping[str, str] = field(default_factory=dict)


_PERSONAL = ("phone", "name")
OF_A_CAMPAIGN = KnownExport(
    frozenset({"wamid", "time_per_funnel_step"}), {column: "" for column in COLUMNS if column not in _PERSONAL}
)
"""Hark's export of a campaign: what became of a message is nothing of the person."""
OF_CONTACTS = KnownExport(
    frozenset({"consent_at", "last_inbound_at"}),
    dict.fromkeys(("consent_at", "lists", "last_inbound_at", "created_at"), ""),
)
"""Hark's export of contacts: times that Hark keeps itself, and lists, which are added to by an import of their own."""
_OTHERS = (
    OF_CONTACTS,
    KnownExport(  # Shopify's customers
        frozenset({"accepts_email_marketing", "tax_exempt", "total_spent"}),
        {"default_address_country_code": "country", "default_address_phone": SECOND_PHONE},
    ),
    KnownExport(  # Mailchimp's audience
        frozenset({"email_address", "member_rating", "euid"}),
        {"email_address": "email", "phone_number": "phone", "sms_phone_number": "phone"},
    ),
    KnownExport(  # HubSpot's contacts
        frozenset({"record_id", "first_name", "last_name"}),
        {"mobile_phone_number": "phone", "phone_number": SECOND_PHONE},
    ),
    KnownExport(  # Klaviyo's profiles
        frozenset({"klaviyo_id"}), {"phone_number": "phone"}
    ),
    KnownExport(  # Google's contacts
        frozenset({"phone_1_value"}),
        {
            "phone_1_value": "phone", "phone_2_value": SECOND_PHONE, "given_name": "first_name", "family_name": "last_name",
            "e_mail_1_value": "email", "labels": "tags", "group_membership": "tags",
        },
    ),
)  # fmt: skip
FIELDS = frozenset({*RESERVED_COLUMNS, *PROFILE_FIELDS})
"""Names of columns that are no attributes, in lower case."""


def is_of_a_campaign(header: Header) -> bool:
    """Whether the file is Hark's own export of a campaign."""
    return OF_A_CAMPAIGN.signature <= {fold_name(name) for name in header.names}


def certain_fields(header: Header) -> dict[str, str]:
    """What columns are without asking, by their name in the file: a field of a contact, or "" for what is left out.

    `First Name` is `first_name` where no column has that name itself. A field goes to the first column that is certain to be it.
    """
    folded = {name: fold_name(name) for name in header.names if name not in header.made_names}
    names = set(folded.values())
    export = next((it for it in (OF_A_CAMPAIGN, *_OTHERS) if it.signature <= names), None)
    taken = {name.strip().lower() for name in folded} & FIELDS
    fields: dict[str, str] = {}
    for name, fold in folded.items():
        if name.strip().lower() in FIELDS and not (export and export.fields.get(fold) == ""):
            continue
        target = export.fields.get(fold) if export else None
        if target is None:
            target = fold if fold in FIELDS else "" if fold in REJECT_COLUMNS else None
        if target is not None and target not in taken:
            fields[name] = target
            taken |= {target} - {""}
    if "phone" not in taken:
        fields |= {name: "phone" for name, target in fields.items() if target == SECOND_PHONE}
    return fields
