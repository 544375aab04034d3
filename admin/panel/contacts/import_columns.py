"""What each column of a file is taken as: what can be chosen, what is guessed, what was chosen."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.imports.result import LINE_COLUMN, REASON_COLUMN
from jobs.imports.uploads import UploadKind
from models.contacts.field_values import PROFILE_FIELDS, FieldValueError, read_name
from models.errors import OperatorError
from models.imports.contact_row import MAX_SOURCE
from models.shop.order_row import REQUIRED
from models.tables.tag import Attribute

NEW = "new"
ATTRIBUTE = "attribute:"
_PLACES = {
    "phone": "Phone",
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
"""Each may be chosen for one column."""
_MUST = {UploadKind.CONTACTS: ("phone",), UploadKind.ORDERS: REQUIRED, UploadKind.LIST: ("phone",)}
MAX_ATTRIBUTES = 500
_OTHER_NAMES = {
    "phone": "telephone mobile cell cellphone msisdn whatsapp number phone_number mobile_number telefono movil celular "
    "telefone numero portable tel telefon handy handynummer telefonnummer rufnummer cellulare wa_id",
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
_LEFT_OUT = {LINE_COLUMN, REASON_COLUMN}
"""What the file of refused rows has before the columns of its own."""
_KNOWN = {
    kind: {other: place for place, others in names.items() for other in others.split()}
    | {it: it for it in PLACES[kind]}
    for kind, names in (
        (UploadKind.CONTACTS, _OTHER_NAMES),
        (UploadKind.ORDERS, _OTHER_ORDER_NAMES),
        (UploadKind.LIST, {"phone": _OTHER_NAMES["phone"]}),
    )
}
_PHONE = re.compile(r"\+[0-9][0-9 ().-]{6,20}")


def attribute_names(session: Session, kind: UploadKind) -> list[str]:
    """Attributes that a column can be taken as."""
    if kind is not UploadKind.CONTACTS:
        return []
    names = session.scalars(select(Attribute.name).order_by(Attribute.name).limit(MAX_ATTRIBUTES))
    return [name for name in names if name.lower() not in _PLACES]


def choices_of(kind: UploadKind, column: str, attributes: Sequence[str]) -> list[tuple[str, Any]]:
    """What this column can be taken as, for a select."""
    found: list[tuple[str, Any]] = [("", "Leave it out"), *PLACES[kind].items()]
    own = [(NEW, f"New attribute “{column}”")] if _is_new(kind, column) and column not in attributes else []
    known = [(f"{ATTRIBUTE}{name}", name) for name in attributes]
    return [*found, ("Attribute", own + known)] if own or known else found


def guess(
    kind: UploadKind, header: Sequence[str], rows: Sequence[Sequence[str]], attributes: Sequence[str]
) -> list[str]:
    """What is probably meant: by the column's name, else by what looks like phones, else an attribute."""
    by_fold = {_folded(name): f"{ATTRIBUTE}{name}" for name in attributes}
    exact = {_folded(column) for column in header} & set(PLACES[kind])
    found: list[str] = []
    for column in header:
        folded = _folded(column)
        meant = by_fold.get(folded) or _KNOWN[kind].get(folded, "")
        if folded in _LEFT_OUT:
            found.append("")
        elif meant and meant not in found and (meant == folded or meant not in exact):
            found.append(meant)
        else:
            found.append(NEW if _is_new(kind, column) else "")
    for place in range(len(header)):
        cells = [row[place] for row in rows if place < len(row)]
        if "phone" not in found and cells and all(_PHONE.fullmatch(cell.strip()) for cell in cells):
            found[place] = "phone"
    return found


def read_columns(
    kind: UploadKind, header: Sequence[str], chosen: Sequence[str], source: str, attributes: Sequence[str]
) -> dict[str, str]:
    """The file's columns by the names that the import knows. Refused where that cannot be imported."""
    columns: dict[str, str] = {}
    for column, choice in zip(header, chosen, strict=True):
        name = _name_of(kind, column, choice, attributes)
        twice = next((other for other, taken in columns.items() if name and taken == name), None)
        if twice is not None:
            raise OperatorError(
                "“{twice}” and “{column}” are both taken as {place}; choose one of them.",
                twice=twice,
                column=column,
                place=PLACES[kind].get(name, name),
            )
        columns[column] = name
    for name in _MUST[kind]:
        if name not in columns.values():
            what = PLACES[kind][name]
            if " " in what:
                raise OperatorError("{place}: choose its column.", place=what)
            raise OperatorError("Choose the column that holds the {place}.", place=what.lower())
    if "consent" in columns.values() and "consent_source" not in columns.values() and not source:
        raise OperatorError("Consent needs its source: choose the column that says it, or write it below.")
    if len(source) > MAX_SOURCE:
        raise OperatorError(
            "The source is {count} characters long; at most {max_source} are allowed.",
            count=len(source),
            max_source=MAX_SOURCE,
        )
    return columns


def chosen_of(
    kind: UploadKind, header: Sequence[str], columns: Mapping[str, str], attributes: Sequence[str]
) -> list[str]:
    """The choices that were made before."""
    names = [columns.get(column, "") for column in header]
    return [
        name if not name or name in PLACES[kind] else f"{ATTRIBUTE}{name}" if name in attributes else NEW
        for name in names
    ]


def _name_of(kind: UploadKind, column: str, choice: str, attributes: Sequence[str]) -> str:
    if choice in {"", *PLACES[kind]}:
        return choice
    if choice == NEW and _is_new(kind, column):
        return column
    if choice.startswith(ATTRIBUTE) and choice.removeprefix(ATTRIBUTE) in attributes:
        return choice.removeprefix(ATTRIBUTE)
    raise OperatorError("“{column}” cannot be taken as that.", column=column)


def _is_new(kind: UploadKind, column: str) -> bool:
    """Whether an attribute can be called so."""
    try:
        return kind is UploadKind.CONTACTS and read_name(column, "").lower() not in {*_PLACES, *PROFILE_FIELDS}
    except FieldValueError:
        return False


def _folded(name: str) -> str:
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(letter)
    )
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
