"""Maps the columns of an import file: what each can be imported as, the probable choice, and the operator's choice."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.imports.header import PHONE_NAMES, REJECT_COLUMNS, Header, fold_name
from jobs.imports.known_exports import certain_fields
from jobs.imports.uploads import UploadKind
from models.contacts.field_values import PROFILE_FIELDS, FieldValueError, read_name
from models.errors import OperatorError
from models.imports.contact_row import MAX_SOURCE, SECOND_PHONE
from models.shop.order_row import REQUIRED
from models.tables.tag import Attribute

NEW = "new"
ATTRIBUTE = "attribute:"
_PLACES = {
    "phone": "Phone",
    SECOND_PHONE: "Phone, where the other is empty",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "username": "WhatsApp username",
    "language": "Language",
    "country": "Country",
    "time_zone": "Time zone",
    "consent": "Consent",
    "consent_source": "Source of the consent",
    "tags": "Tags",
}
_ORDER_PLACES = {
    "order_id": "Id of the order",
    "phone": "Phone",
    "total": "Total",
    "currency": "Currency",
    "placed_at": "When it was placed",
    "number": "Number that the customer reads",
    "shop": "Shop",
    "cancelled_at": "When it was cancelled",
    "updated_at": "When it last changed",
    "product": "Product",
    "quantity": "Quantity",
    "collection": "Collections",
    "brand": "Brand",
}
PLACES = {UploadKind.CONTACTS: _PLACES, UploadKind.ORDERS: _ORDER_PLACES, UploadKind.LIST: {"phone": "Phone"}}
"""What a column can be imported as; each for one column at most."""
_REQUIRED_PLACES = {UploadKind.CONTACTS: ("phone",), UploadKind.ORDERS: REQUIRED, UploadKind.LIST: ("phone",)}
MAX_ATTRIBUTES = 500
MANY_COLUMNS = 60
"""An export of a whole system; nobody wants each of its columns as an attribute."""
_OTHER_NAMES = {
    "phone": " ".join(PHONE_NAMES),
    "name": "full_name nombre nome nom vorname_nachname contact customer nombre_completo",
    "first_name": "firstname given_name vorname prenom nombre_de_pila",
    "last_name": "lastname surname family_name nachname apellido apellidos cognome sobrenome",
    "email": "e_mail mail correo email_address",
    "language": "lang locale idioma sprache langue lingua",
    "country": "country_code pais land pays paese",
    "time_zone": "timezone tz",
    "consent": "opt_in optin subscription status_consent consentimiento einwilligung",
    "consent_source": "source optin_source opt_in_source origin",
    "tags": "tag labels label etiquetas etiketten",
}
_OTHER_ORDER_NAMES = {
    "order_id": "id order orderid pedido pedido_id id_pedido commande commande_id bestellung bestell_id ordine",
    "phone": _OTHER_NAMES["phone"] + " billing_phone shipping_phone customer_phone",
    "total": "total_price amount total_amount grand_total importe betrag gesamt gesamtbetrag montant totale summe",
    "currency": "currency_code moneda divisa wahrung devise valuta",
    "placed_at": "created_at date order_date ordered_at date_created processed_at fecha datum bestelldatum data",
    "number": "order_number order_no numero_de_pedido bestellnummer name",
    "shop": "store tienda laden boutique negozio",
    "cancelled_at": "canceled_at cancelled canceled",
    "updated_at": "modified_at date_modified changed_at",
    "product": "title item product_title lineitem_name producto produkt artikel produit prodotto",
    "quantity": "qty lineitem_quantity cantidad menge anzahl quantite quantita",
    "collection": "collections category categories coleccion kategorie",
    "brand": "vendor lineitem_vendor marca marke marque",
}
_PLACE_BY_NAME = {
    kind: {fold_name(other): place for place, others in names.items() for other in others.split()}
    | {it: it for it in PLACES[kind]}
    for kind, names in (
        (UploadKind.CONTACTS, _OTHER_NAMES),
        (UploadKind.ORDERS, _OTHER_ORDER_NAMES),
        (UploadKind.LIST, {"phone": _OTHER_NAMES["phone"]}),
    )
}
_PHONE = re.compile(r"\+[0-9][0-9 ().-]{6,20}")


def attribute_names(session: Session, kind: UploadKind) -> list[str]:
    """The attributes as which a column can be imported."""
    if kind is not UploadKind.CONTACTS:
        return []
    names = session.scalars(select(Attribute.name).order_by(Attribute.name).limit(MAX_ATTRIBUTES))
    return [name for name in names if name.lower() not in _PLACES]


def column_choices(kind: UploadKind, column: str, attributes: Sequence[str]) -> list[tuple[str, Any]]:
    """What the column can be imported as, for a select."""
    choices: list[tuple[str, Any]] = [("", "Leave it out"), *PLACES[kind].items()]
    new_attribute = [(NEW, f"New attribute “{column}”")] if _is_new(kind, column) and column not in attributes else []
    existing_attributes = [(f"{ATTRIBUTE}{name}", name) for name in attributes]
    if new_attribute or existing_attributes:
        choices.append(("Attribute", new_attribute + existing_attributes))
    return choices


def guess_columns(
    kind: UploadKind, header: Header, rows: Sequence[Sequence[str]], attributes: Sequence[str]
) -> list[str]:
    """The probable choice for each column: by its name, by cells that look like phones, else a new attribute.

    A column without a name of its own is left out, and so is every unknown one of a file with more than `MANY_COLUMNS`.
    """
    certain = certain_fields(header) if kind is UploadKind.CONTACTS else {}
    by_fold = {fold_name(name): f"{ATTRIBUTE}{name}" for name in attributes}
    exact = ({fold_name(column) for column in header.names} | set(certain.values())) & set(PLACES[kind])
    guesses: list[str] = []
    for column in header.names:
        folded = fold_name(column)
        target = by_fold.get(folded) or _PLACE_BY_NAME[kind].get(folded, "")
        if folded in REJECT_COLUMNS or column in header.made_names:
            guesses.append("")
        elif column in certain and folded not in by_fold:
            guesses.append(certain[column])
        elif target and target not in guesses and (target == folded or target not in exact):
            guesses.append(target)
        else:
            guesses.append(NEW if len(header.names) <= MANY_COLUMNS and _is_new(kind, column) else "")
    for position in range(len(header.names)):
        cells = [row[position] for row in rows if position < len(row)]
        if "phone" not in guesses and cells and all(_PHONE.fullmatch(cell.strip()) for cell in cells):
            guesses[position] = "phone"
    return guesses


def read_columns(
    kind: UploadKind, header: Sequence[str], chosen: Sequence[str], source: str, attributes: Sequence[str]
) -> dict[str, str]:
    """The import column name by column of the file; empty if left out.

    Raises OperatorError if a choice is not allowed, is made twice, or a required column or the source of the consent is missing.
    """
    columns: dict[str, str] = {}
    for column, choice in zip(header, chosen, strict=True):
        name = _target_name(kind, column, choice, attributes)
        twice = next((other for other, target in columns.items() if name and target == name), None)
        if twice is not None:
            raise OperatorError(
                "“{twice}” and “{column}” are both taken as {place}; choose one of them.",
                twice=twice,
                column=column,
                place=PLACES[kind].get(name, name),
            )
        columns[column] = name
    for name in _REQUIRED_PLACES[kind]:
        if name not in columns.values():
            place_label = PLACES[kind][name]
            if " " in place_label:
                raise OperatorError("{place}: choose its column.", place=place_label)
            raise OperatorError("Choose the column that holds the {place}.", place=place_label.lower())
    if "consent" in columns.values() and "consent_source" not in columns.values() and not source:
        raise OperatorError("Consent needs its source: choose the column that says it, or write it below.")
    if len(source) > MAX_SOURCE:
        raise OperatorError(
            "The source is {count} characters long; at most {max_source} are allowed.",
            count=len(source),
            max_source=MAX_SOURCE,
        )
    return columns


def stored_choices(
    kind: UploadKind, header: Sequence[str], columns: Mapping[str, str], attributes: Sequence[str]
) -> list[str]:
    """The choices that were stored before, one per column."""
    names = [columns.get(column, "") for column in header]
    return [
        name if not name or name in PLACES[kind] else f"{ATTRIBUTE}{name}" if name in attributes else NEW
        for name in names
    ]


def _target_name(kind: UploadKind, column: str, choice: str, attributes: Sequence[str]) -> str:
    if choice in {"", *PLACES[kind]}:
        return choice
    if choice == NEW and _is_new(kind, column):
        return column
    if choice.startswith(ATTRIBUTE) and choice.removeprefix(ATTRIBUTE) in attributes:
        return choice.removeprefix(ATTRIBUTE)
    raise OperatorError("“{column}” cannot be taken as that.", column=column)


def _is_new(kind: UploadKind, column: str) -> bool:
    """Whether the column can become a new attribute."""
    try:
        return kind is UploadKind.CONTACTS and read_name(column, "").lower() not in {*_PLACES, *PROFILE_FIELDS}
    except FieldValueError:
        return False
